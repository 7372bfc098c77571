//! What a call without a result means to whoever appends or reads.

use hookwire_log::{AppendError, BoxError, ReadError};
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
