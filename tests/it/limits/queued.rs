//! Over the limit of its source a verified push goes to the queue, since a refusal slows down the whole subscription.

use hookwire_sqs_server::Sqs;
use hookwire_tests::RelayOptions;
