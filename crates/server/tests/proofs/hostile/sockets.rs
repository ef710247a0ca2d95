//! What is no HTTP, what never ends, and what ends half-way.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Watch, ask_properly, prepare, shown};
use crate::process::House;
use crate::{number_from_environment, seed};

/// Connections that never come to an end, at once; a server takes 900 by default.
const LINGERING: usize = 300;

/// What is said, one after the other; `\x01` stands for the credentials of an administrator.
const UTTERANCES: &[&str] = &[
    "",
    "\r\n\r\n\r\n\r\n",
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    "GET",
    "GET /",
    "GET / HTTP/1.1\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET / HTTP/1.1\r\nHost",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET  /  HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\n: empty\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nA\0B: c\r\n\r\n",
    "GET /\0 HTTP/1.1\r\n\r\n",
    "GET http://elsewhere.example/api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET //api/v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET * HTTP/1.1\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u{81}\u{85}",
    "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03",
    "SSH-2.0-OpenSSH_9.9\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Length: -1\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Length: 99999999999999999999999\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Length: 18446744073709551615\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Length: 2, 2\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nzz\r\n",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: identity\r\n\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
    // Right in everything, but that the end of the body never comes.
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Type: application/json\r\nContent-Length: 44\r\n\r\n\
     {\"name\":\"half\",\"emails\":[],\"phones\":[]}",
    "POST /api/v1/omnichannel/contacts HTTP/1.1\r\n\x01Content-Type: application/json\r\nTransfer-Encoding: chunked\
     \r\n\r\n26\r\n{\"name\":\"half\",\"emails\":[],\"phones\":[]}\r\n",
    "POST /api/v1/livechat/visitor HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n\
     {\"visitor\":{\"token\":\"half\"}}",
    "POST /api/v1/livechat/visitor HTTP/1.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
     Content-Length: 29\r\n\r\n",
];

/// Says something and hears what comes back, until the other side ends or nothing comes for a while.
async fn say(address: &str, bytes: &[u8], hangs_up: bool) -> Vec<u8> {
    const A_WHILE: Duration = Duration::from_millis(20);
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may close before it has heard everything.
    let _ = stream.write_all(bytes).await;
    if hangs_up {
        let _ = stream.shutdown().await;
    }
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(A_WHILE, stream.read(&mut piece)).await {
        heard.extend_from_slice(&piece[..read]);
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_or_half_of_one_harms_nobody_and_writes_nothing() {
    let garbage = number_from_environment("CONCORD_PROOF_REQUESTS", 3000) / 30;
    let mut chance = StdRng::seed_from_u64(seed());
    let house = House::prepare().await;
    let mut process = house.start().await;
    let mut caller = process.client();
    let known = prepare(&mut caller).await;
    let watch = Watch::of(&house);
    let version = watch.settled().await;
    let credentials = format!("X-User-Id: {}\r\nX-Auth-Token: {}\r\n", house.admin.user_id, house.admin.token);

    let mut said: Vec<Vec<u8>> =
        UTTERANCES.iter().map(|text| text.replace('\x01', &credentials).into_bytes()).collect();
    said.push(b"GET /api/v1/info HTTP/1.1\r\nHost: a\r\n\r\n".repeat(300));
    said.push([b"GET / HTTP/1.1\r\n".as_slice(), &vec![b'a'; 1 << 20]].concat());
    said.push([b"GET /".as_slice(), &vec![b'a'; 1 << 20], b" HTTP/1.1\r\n\r\n"].concat());
    said.push(b"GET / HTTP/1.1\r\n".iter().copied().chain(b"A: b\r\n".repeat(5000)).collect());
    for _ in 0..garbage {
        let mut bytes = vec![0; chance.random_range(1..4000)];
        chance.fill(bytes.as_mut_slice());
        if chance.random_range(0..2) == 0 {
            // What looks like a request is read further.
            bytes = [b"GET /api/v1/me HTTP/1.1\r\nX-Junk: ".as_slice(), &bytes, b"\r\n\r\n"].concat();
        }
        said.push(bytes);
    }
    for bytes in &said {
        for hangs_up in [false, true] {
            let heard = say(&process.address, bytes, hangs_up).await;
            let text = String::from_utf8_lossy(&heard);
            assert!(!text.contains("HTTP/1.1 5"), "{} was answered {text}", shown(bytes));
            assert_eq!(watch.version(), version, "{} wrote something", shown(bytes));
        }
    }
    ask_properly(&mut caller, &known.contacts[0]).await;

    let mut lingering = Vec::new();
    for number in 0..LINGERING {
        let mut stream = TcpStream::connect(&process.address).await.unwrap();
        let said = &said[number % UTTERANCES.len()];
        stream.write_all(&said[..said.len() * 2 / 3]).await.unwrap();
        lingering.push(stream);
    }
    for _ in 0..3 {
        for stream in &mut lingering {
            // One letter more, of a word that never ends; some were told to go already.
            let _ = stream.write_all(b"a").await;
        }
        ask_properly(&mut caller, &known.contacts[0]).await;
    }
    assert_eq!(watch.version(), version);
    drop((lingering, caller));
    ask_properly(&mut process.client(), &known.contacts[0]).await;
    assert_eq!(house.log(), "");
    assert!(process.stop().success());
}
