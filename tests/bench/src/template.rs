/// A request that is sent again and again, with other numbers in it each time.
#[derive(Debug, Clone)]
pub struct Template {
    text: Vec<u8>,
    /// Where the number stands, as ten digits.
    numbers: Vec<usize>,
    /// Where it stands how many were written before, as ten digits.
    serials: Vec<usize>,
    number: u64,
    serial: u64,
    step: u64,
    /// Numbers begin again before this one.
    end: u64,
}

impl Template {
    /// Stands for the number in a request.
    pub const NUMBER: &str = "##########";
    /// Stands for what no other request of this template has.
    pub const SERIAL: &str = "@@@@@@@@@@";

    /// Counts 0, 1, 2 …
    pub fn new(text: Vec<u8>) -> Self {
        let places = |what: &str| memchr::memmem::find_iter(&text, what.as_bytes()).collect();
        let (numbers, serials) = (places(Self::NUMBER), places(Self::SERIAL));
        Self { text, numbers, serials, number: 0, serial: 0, step: 1, end: u64::MAX }
    }

    /// Counts from `first` in such steps, and begins again before `end`.
    pub fn counting(self, first: u64, step: u64, end: u64) -> Self {
        Self { number: first % end, step, end, ..self }
    }

    /// Writes the next request.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.text);
        for (places, number) in [(&self.numbers, self.number), (&self.serials, self.serial)] {
            for place in places {
                let at = start + place;
                write_digits(&mut out[at..at + Self::NUMBER.len()], number);
            }
        }
        self.number = (self.number + self.step) % self.end;
        self.serial += 1;
    }
}

impl Iterator for Template {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut request = Vec::with_capacity(self.text.len());
        self.write(&mut request);
        Some(request)
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_the_next_numbers_in_every_place() {
        let text = b"a##########b@@@@@@@@@@c##########".to_vec();
        let requests = Template::new(text).counting(3, 2, 7).take(3);
        let requests: Vec<_> = requests.map(|text| String::from_utf8(text).unwrap()).collect();
        let expected = [
            "a0000000003b0000000000c0000000003",
            "a0000000005b0000000001c0000000005",
            "a0000000000b0000000002c0000000000",
        ];
        assert_eq!(requests, expected);
    }
}
