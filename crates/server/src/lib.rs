//! The server: the wire in and out, configuration, and the one place that knows
//! which store is used. Everything a request meets on its way is here; what a
//! request means is decided below, in `app` and `domain`.

pub mod api;
pub mod cli;
pub mod client;
pub mod config;
pub mod ddp;
pub mod demo;
pub mod edge;
pub mod health;
pub mod listener;
pub mod mail;
pub mod metrics;
pub mod operate;
pub mod serve;
pub mod telemetry;
pub mod widget;
