/// One line of `CLUSTER NODES`: id, address, flags, master, ping, pong, epoch, link, slots.
///
/// Source: <https://redis.io/docs/latest/commands/cluster-nodes/>
pub(super) struct Line<'a>(Vec<&'a str>);

impl<'a> Line<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self(line.split(' ').collect())
    }

    pub(super) fn id(&self) -> &str {
        self.0[0]
    }

    pub(super) fn flags(&self) -> impl Iterator<Item = &str> {
        self.0[2].split(',')
    }

    pub(super) fn epoch(&self) -> u64 {
        self.0[6].parse().unwrap()
    }

    pub(super) fn owns(&self, slot: u16) -> bool {
        // A slot on its way is in brackets, and so no number.
        self.0[8..].iter().any(|slots| {
            let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
            let [first, last] = [first, last].map(str::parse::<u16>);
            matches!((first, last), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
        })
    }
}
