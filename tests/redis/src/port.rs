use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that nobody else is given while this value lives.
///
/// The socket is bound but never listens. Linux lets a server that asks for exactly this port (with `SO_REUSEADDR`, as
/// Redis does) listen on it nevertheless, but gives it neither to whoever asks for any port nor to an outgoing
/// connection. Without that a killed server could find its port taken when it is started again.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _reserved: Option<Socket>,
}

impl Port {
    pub(crate) fn free() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let number = socket.local_addr().unwrap().as_socket().unwrap().port();
        // Elsewhere the reservation would shut out the server itself.
        Self { number, _reserved: cfg!(target_os = "linux").then_some(socket) }
    }

    /// A port that the caller has chosen, and answers for.
    pub(crate) fn chosen(number: u16) -> Self {
        Self { number, _reserved: None }
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{TcpListener, TcpStream};

    use super::Port;

    #[test]
    fn a_reserved_port_is_given_to_nobody_else() {
        let ports: Vec<_> = (0..500).map(|_| Port::free()).collect();
        let numbers: HashSet<_> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
    }

    #[test]
    fn a_server_listens_again_and_again_on_a_reserved_port() {
        let port = Port::free();
        for _ in 0..3 {
            let server = TcpListener::bind(("127.0.0.1", port.number())).unwrap();
            let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            // Closed by the server first, as when it is killed, which leaves the port in TIME_WAIT.
            drop(server.accept().unwrap());
            drop(client);
        }
    }
}
