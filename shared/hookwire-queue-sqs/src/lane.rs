use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::fault::Fault;

/// What waits for its turn to be sent, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

/// A message whose sender waits for word.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) body: String,
    pub(crate) delay_s: i32,
    /// Whether SQS has failed at it before.
    pub(crate) tried: bool,
    pub(crate) answer: oneshot::Sender<Result<(), Fault>>,
}

/// Most messages, and bytes of them, in one call.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
pub(crate) const AT_ONCE: usize = 10;
pub(crate) const BYTES_AT_ONCE: usize = 1024 * 1024;
/// Most messages, and bytes of them, that wait; more would only time out.
const WAITING: usize = 4_096;
const BYTES_WAITING: usize = 32 * 1024 * 1024;

impl Lane {
    pub(crate) fn push(&mut self, waiting: Waiting) -> Result<(), Fault> {
        if self.waiting.len() >= WAITING || self.bytes + waiting.body.len() > BYTES_WAITING {
            return Err(Fault::Busy);
        }
        self.bytes += waiting.body.len();
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Puts back what was taken and is to be tried once more, before what came later.
    pub(crate) fn put_back(&mut self, waiting: Waiting) {
        self.bytes += waiting.body.len();
        self.waiting.push_front(waiting);
    }

    /// Takes what the next call carries, without those whose senders have given up.
    pub(crate) fn next_batch(&mut self) -> Vec<Waiting> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            let size_bytes = next.body.len();
            let fits = batch.is_empty() || bytes + size_bytes <= BYTES_AT_ONCE;
            if batch.len() >= AT_ONCE || !fits {
                break;
            }
            let next = self.waiting.pop_front();
            self.bytes -= size_bytes;
            let wanted = next.filter(|waiting| !waiting.answer.is_closed());
            bytes += wanted.as_ref().map_or(0, |_| size_bytes);
            batch.extend(wanted);
        }
        batch
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of these sizes in a lane, and the ears of their senders.
    fn lane(sizes: &[usize]) -> (Lane, Vec<oneshot::Receiver<Result<(), Fault>>>) {
        let mut lane = Lane::default();
        let mut ears = Vec::new();
        for size_bytes in sizes {
            let (answer, ear) = oneshot::channel();
            let body = "a".repeat(*size_bytes);
            lane.push(Waiting { body, delay_s: 0, tried: false, answer }).unwrap();
            ears.push(ear);
        }
        (lane, ears)
    }

    fn batches(lane: &mut Lane) -> Vec<Vec<usize>> {
        let next = || Some(lane.next_batch()).filter(|batch| !batch.is_empty());
        std::iter::from_fn(next)
            .map(|batch| batch.iter().map(|waiting| waiting.body.len()).collect())
            .collect()
    }

    #[test]
    fn a_batch_holds_ten_messages_and_a_mebibyte_at_most() {
        let (mut many, _ears) = lane(&[1; 25]);
        assert_eq!(batches(&mut many), [vec![1; 10], vec![1; 10], vec![1; 5]]);
        let (half, one) = (BYTES_AT_ONCE / 2, BYTES_AT_ONCE);
        let (mut large, _ears) = lane(&[half, half, 1, one, one, half]);
        assert_eq!(
            batches(&mut large),
            [vec![half, half], vec![1], vec![one], vec![one], vec![half]]
        );
        assert_eq!((large.len(), large.bytes), (0, 0));
    }

    #[test]
    fn who_gave_up_takes_no_place() {
        let (mut lane, mut ears) = lane(&[BYTES_AT_ONCE, 2, 3]);
        ears.remove(0);
        assert_eq!(batches(&mut lane), [vec![2, 3]]);
        assert_eq!(lane.bytes, 0);
    }

    #[test]
    fn what_is_put_back_is_taken_first() {
        let (mut lane, _ears) = lane(&[1, 2]);
        let taken = lane.next_batch();
        let (answer, _ear) = oneshot::channel();
        lane.push(Waiting { body: "aaa".into(), delay_s: 0, tried: false, answer }).unwrap();
        taken.into_iter().rev().for_each(|waiting| lane.put_back(waiting));
        assert_eq!(batches(&mut lane), [vec![1, 2, 3]]);
    }

    #[test]
    fn a_full_lane_takes_no_more() {
        let push = |lane: &mut Lane, size_bytes: usize| {
            let (answer, _ear) = oneshot::channel();
            lane.push(Waiting { body: "a".repeat(size_bytes), delay_s: 0, tried: false, answer })
        };
        let (mut many, _ears) = lane(&[1; WAITING]);
        assert!(matches!(push(&mut many, 1), Err(Fault::Busy)));
        let (mut large, _ears) = lane(&[BYTES_AT_ONCE; BYTES_WAITING / BYTES_AT_ONCE]);
        assert!(matches!(push(&mut large, 1), Err(Fault::Busy)));
    }
}
