//! The live connection, through a WebSocket client of another make than the server's HTTP.
//!
//! A house is a whole server with one conversation in it; a socket is one DDP connection to it.
//! Whoever waits for a frame waits for that frame: nothing here sleeps.

mod apart;
mod bounds;
mod conversing;
mod logins;
mod presence;
mod typing;

use app::login::LoginName;
use app::passwords::Password;
use app::{Draft, Registration, RoomRequest};
use domain::channel::{Source, SourceType};
use domain::message::Message as Said;
use domain::room::Room;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use server::client::Credentials;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::desk::Desk;
use crate::running::PATIENCE;

/// A server, and the conversation of the visitor whose token is `ana`.
pub(crate) struct House {
    desk: Desk,
    room: Room,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub(crate) async fn open_with(settings: &[(&str, &str)]) -> Self {
        let desk = Desk::open_with(settings).await;
        let room = begin(&desk, "ana").await;
        Self { desk, room }
    }

    pub(crate) async fn socket(&self) -> Socket {
        let mut socket = Socket::connect(&self.desk.address()).await.unwrap();
        socket.send(&json!({ "msg": "connect", "version": "1", "support": ["1", "pre2", "pre1"] })).await;
        assert_eq!(socket.next().await["msg"], "connected");
        socket
    }

    /// A socket on which this user is logged in.
    pub(crate) async fn socket_of(&self, credentials: &Credentials) -> Socket {
        let mut socket = self.socket().await;
        let answer = socket.call("login", json!([{ "resume": credentials.token }])).await;
        assert_eq!(answer["result"]["id"], credentials.user_id, "{answer}");
        socket
    }

    pub(crate) async fn administrator(&self) -> Credentials {
        let (username, password) = self.desk.administrator();
        self.log_in(&username, &password).await
    }

    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Credentials {
        let name = LoginName::Username(username.to_owned());
        let from = std::net::Ipv4Addr::LOCALHOST.into();
        let session = self.desk.app().log_in(&name, &Password::typed(password), from).await.unwrap();
        Credentials { user_id: session.user.id.to_string(), token: session.token }
    }

    /// An agent who may read the conversations it serves and no others.
    pub(crate) async fn agent(&self, username: &str) -> Credentials {
        let administrator = self.administrator().await;
        let body = json!({
            "username": username, "name": "Kim", "email": format!("{username}@example.org"),
            "password": "secret", "roles": ["user"],
        });
        self.post("users.create", &administrator, &body).await;
        self.post("livechat/users/agent", &administrator, &json!({ "username": username })).await;
        self.log_in(username, "secret").await
    }

    /// The agent takes the conversation.
    pub(crate) async fn take(&self, agent: &Credentials) {
        let app = self.desk.app();
        let user = app.authenticate(&agent.user_id, &agent.token).unwrap();
        let inquiry = self.room.inquiry.as_ref().unwrap().id.clone();
        app.take_inquiry(&user, inquiry.as_str(), None).await.unwrap();
    }

    pub(crate) async fn post(&self, path: &str, caller: &Credentials, body: &Value) -> Value {
        let mut client = server::client::Client::new(self.desk.address());
        let answer = client.json("POST", &format!("/api/v1/{path}"), Some(caller), Some(body)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    /// The visitor says something.
    pub(crate) async fn say(&self, text: &str) -> Said {
        let draft = Draft { room: self.room.id.to_string(), id: None, text: text.to_owned() };
        self.desk.app().say_as_visitor("ana", &draft).await.unwrap().message
    }

    pub(crate) fn rid(&self) -> &str {
        self.room.id.as_str()
    }

    /// What a visitor sends to be told of an event of its conversation.
    pub(crate) fn params(&self, event: &str, token: &str) -> Value {
        let args = json!([{ "token": token, "visitorToken": token }]);
        json!([format!("{}{event}", self.rid()), { "useCollection": false, "args": args }])
    }

    /// What the metrics say of open connections.
    pub(crate) async fn open_sockets(&self) -> u32 {
        let mut client = server::client::Client::new(self.desk.address());
        let answer = client.send("GET", "/metrics", &[], "").await.unwrap();
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("concord_open_sockets ")).unwrap();
        line.parse().unwrap()
    }

    /// Waits until so many connections are open.
    pub(crate) async fn until_open(&self, count: u32) {
        let reached = async {
            while self.open_sockets().await != count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, reached).await.expect("as many connections as before");
    }
}

/// A visitor registers and opens a conversation.
pub(crate) async fn begin(desk: &Desk, token: &str) -> Room {
    let app = desk.app();
    let registration =
        Registration { token: token.to_owned(), name: Some("Ana".to_owned()), ..Registration::default() };
    app.register_visitor(&registration).await.unwrap();
    let source = Source::of_type(SourceType::Widget);
    let request = RoomRequest { token: token.to_owned(), room: None, agent: None, source };
    app.open_room(&request).await.unwrap().room
}

/// One DDP connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    calls: u32,
}

impl Socket {
    /// Opens a WebSocket; the status, where it is refused.
    pub(crate) async fn connect(address: &str) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        match client_async(format!("ws://{address}/websocket"), stream).await {
            Ok((stream, _)) => Ok(Self { stream, calls: 0 }),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends, if anybody still takes it.
    pub(crate) async fn push(&mut self, text: &str) -> bool {
        self.stream.send(Message::text(text)).await.is_ok()
    }

    /// The next frame; the connection stays open until there is one.
    pub(crate) async fn next(&mut self) -> Value {
        let message = timeout(PATIENCE, self.stream.next()).await.expect("nothing comes");
        match message.expect("the connection is closed").unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame, or the code the connection was closed with.
    pub(crate) async fn next_or_code(&mut self) -> Result<Value, Option<u16>> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => Err(frame.map(|frame| frame.code.into())),
            _ => Err(None),
        }
    }

    /// Reads to the end; answers with the code it was closed with, if there was one.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        let read = async {
            while let Some(Ok(message)) = self.stream.next().await {
                if let Message::Close(frame) = message {
                    code = frame.map(|frame| frame.code.into());
                }
            }
        };
        timeout(PATIENCE, read).await.expect("the connection stays open");
        code
    }

    /// Closes it as a browser does, and waits for the other side to agree.
    pub(crate) async fn close(mut self) {
        self.stream.close(None).await.unwrap();
        self.closed().await;
    }

    fn next_id(&mut self) -> String {
        self.calls += 1;
        format!("ddp-{}", self.calls)
    }

    /// Calls a method; answers with its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id();
        self.send(&json!({ "msg": "method", "method": method, "params": params, "id": id })).await;
        let result = self.until(|frame| frame["msg"] == "result").await;
        assert_eq!(result["id"], id);
        assert_eq!(self.until(|frame| frame["msg"] == "updated").await["methods"], json!([id]));
        result
    }

    /// Subscribes; answers with what that came to.
    pub(crate) async fn subscribe(&mut self, name: &str, params: Value) -> Value {
        let id = self.next_id();
        self.send(&json!({ "msg": "sub", "id": id, "name": name, "params": params })).await;
        self.until(|frame| frame["id"] == id || frame["subs"] == json!([id])).await
    }

    /// Subscribes to what is there.
    pub(crate) async fn hear(&mut self, name: &str, params: Value) {
        let answer = self.subscribe(name, params).await;
        assert_eq!(answer["msg"], "ready", "{answer}");
    }

    /// The next frame of which this is so.
    async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if is_it(&frame) {
                return frame;
            }
        }
    }

    /// The next thing told: its stream, its event and its arguments.
    pub(crate) async fn told(&mut self) -> (String, String, Value) {
        let frame = self.next().await;
        assert_eq!((&frame["msg"], &frame["id"]), (&json!("changed"), &json!("id")), "{frame}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = &frame["fields"];
        (text(&frame["collection"]), text(&fields["eventName"]), fields["args"].clone())
    }

    /// The text of the next message told; nothing else may be told before.
    pub(crate) async fn told_text(&mut self) -> String {
        let (stream, _, args) = self.told().await;
        assert_eq!(stream, "stream-room-messages", "{args}");
        args[0]["msg"].as_str().unwrap().to_owned()
    }
}
