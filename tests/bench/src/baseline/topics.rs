use std::collections::HashMap;

use super::frames::Frames;

/// Every topic that was named in a request.
#[derive(Debug, Default)]
pub struct Topics {
    numbers: HashMap<String, usize>,
    topics: Vec<Topic>,
    /// Those published to since they were taken last.
    published: Vec<usize>,
}

/// A topic's frames, and the connections that follow it.
#[derive(Debug, Default)]
pub struct Topic {
    pub frames: Frames,
    pub streams: Vec<usize>,
    is_published: bool,
}

impl Topics {
    /// The number of the topic with this name.
    pub fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.topics.len();
        self.numbers.insert(name.to_owned(), number);
        self.topics.push(Topic::default());
        number
    }

    pub fn get(&self, number: usize) -> &Topic {
        &self.topics[number]
    }

    pub fn follow(&mut self, number: usize, connection: usize) {
        self.topics[number].streams.push(connection);
    }

    pub fn publish(&mut self, name: &str, data: &str) -> anyhow::Result<()> {
        let number = self.number(name);
        let topic = &mut self.topics[number];
        topic.frames.push(name, data)?;
        if !std::mem::replace(&mut topic.is_published, true) {
            self.published.push(number);
        }
        Ok(())
    }

    /// One of the topics that were published to and not taken yet.
    pub fn take_published(&mut self) -> Option<&Topic> {
        let topic = &mut self.topics[self.published.pop()?];
        topic.is_published = false;
        Some(topic)
    }
}
