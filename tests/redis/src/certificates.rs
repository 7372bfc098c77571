use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use redis::{ClientTlsConfig, TlsCertificates};

/// The files of a private CA: one certificate for the server, one for its clients.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes all of them anew and writes them into `folder`.
    pub(crate) fn make(folder: &Path) -> Self {
        let certificates = Self { folder: folder.to_owned() };
        let mut params = named("Hookwire test CA", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(certificates.ca(), ca.pem()).unwrap();

        let mut server = named("redis-server", &["127.0.0.1", "localhost"]);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let mut client = named("client", &[]);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        for (params, cert, key) in [
            (server, certificates.server_cert(), certificates.server_key()),
            (client, certificates.cert(), certificates.key()),
        ] {
            let pair = KeyPair::generate().unwrap();
            std::fs::write(cert, params.signed_by(&pair, &ca).unwrap().pem()).unwrap();
            std::fs::write(key, pair.serialize_pem()).unwrap();
        }
        certificates
    }

    /// What signed both certificates.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The client's certificate.
    #[must_use]
    pub fn cert(&self) -> PathBuf {
        self.folder.join("client.crt")
    }

    /// The key of [`Certificates::cert`].
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    pub(crate) fn server_cert(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    pub(crate) fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    pub(crate) fn read(&self) -> TlsCertificates {
        let client_tls = ClientTlsConfig {
            client_cert: std::fs::read(self.cert()).unwrap(),
            client_key: std::fs::read(self.key()).unwrap(),
        };
        let root_cert = Some(std::fs::read(self.ca()).unwrap());
        TlsCertificates { client_tls: Some(client_tls), root_cert }
    }
}

fn named(name: &str, addresses: &[&str]) -> CertificateParams {
    let addresses: Vec<_> = addresses.iter().map(|&address| address.to_owned()).collect();
    let mut params = CertificateParams::new(addresses).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
