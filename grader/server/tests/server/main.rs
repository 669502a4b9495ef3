//! The server as clients meet it, well-behaved ones and others.

mod clients;
mod converting;
mod hostile;
mod identity;
mod keeping;
mod running;
mod stopping;
mod web_sockets;
