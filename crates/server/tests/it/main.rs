//! Everything the server promises, through its public door, in one test binary.

#![expect(clippy::unwrap_used, reason = "these are tests; clippy knows only the functions marked so")]

mod access;
mod api_access;
mod api_agents;
mod api_livechat;
mod api_roles;
mod api_settings;
mod api_users;
mod api_visitors;
mod cli;
#[expect(dead_code, reason = "the tests of the store ask for more of it")]
#[path = "../../../storage/tests/it/postgres/cluster.rs"]
mod cluster;
mod config;
mod copying;
mod desk;
mod edge;
mod exchanges;
mod health;
mod limits;
mod listener;
mod live;
mod mail;
mod metrics;
mod office;
mod operate;
mod postbox;
mod running;
mod servers;
mod tidy;
mod widget;
