//! What a call without a result means to whoever appends or reads.

use hookwire_log::{AppendError, BoxError, NotReady, ReadError};
use hookwire_redis::Fault;

pub(crate) fn append_error(fault: Fault) -> AppendError {
    match fault.leaves_open() {
        true => AppendError::Unknown(BoxError::from(fault)),
        false => AppendError::Unavailable(BoxError::from(fault)),
    }
}

pub(crate) fn read_error(fault: Fault) -> ReadError {
    ReadError(BoxError::from(fault))
}

pub(crate) fn not_ready(fault: Fault) -> NotReady {
    match fault {
        Fault::Open => NotReady::LeftAlone(BoxError::from(fault)),
        Fault::Refused(_) | Fault::NotServed(_) => NotReady::Refused(BoxError::from(fault)),
        Fault::Busy | Fault::NotSent(_) | Fault::Unanswered(_) | Fault::Cut(_) => {
            NotReady::Unreachable(BoxError::from(fault))
        }
    }
}
