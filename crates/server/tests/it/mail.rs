//! Mail as a mail server gets it: to whom the settings say and to nobody else, whatever a visitor
//! writes; and what is said where none is sent.

use std::sync::Arc;

use app::mail::{Correspondent, Mail, MailError, Mailer as _};
use domain::ids::Timestamp;
use serde_json::{Value, json};
use server::config::{Config, Flag, Sources};
use server::mail::SmtpMailer;

use crate::office::{Office, Reply};
use crate::postbox::Postbox;

fn mailer(url: &str) -> SmtpMailer {
    let flag = Flag { name: "--mail_url".to_owned(), key: "mail_url".to_owned(), value: url.to_owned() };
    let config = Config::load(&Sources { flags: vec![flag], ..Sources::default() }).unwrap().config;
    SmtpMailer::open(&config.mail_url).unwrap().unwrap()
}

async fn office(postbox: &Postbox) -> Office {
    let office = Office::open_with(Arc::new(mailer(&postbox.url()))).await;
    addressed(&office).await;
    office
}

async fn addressed(office: &Office) {
    let settings =
        [("From_Email", "concord@desk.example"), ("Livechat_offline_email", "desk@desk.example,night@desk.example")];
    for (id, value) in settings {
        office.app.change_settings(&[(id.to_owned(), json!(value))]).await.unwrap();
    }
}

async fn leave(office: &Office, name: &str, email: &str, message: &str) -> Reply {
    let body = json!({ "name": name, "email": email, "message": message, "host": "https://shop.example/\r\nBcc: x" });
    office.post("livechat/offline.message", &body, None).await
}

#[tokio::test]
async fn a_message_left_arrives_in_plain_text_and_is_answered_to_the_visitor() {
    let postbox = Postbox::open().await;
    let office = office(&postbox).await;
    let reply = leave(&office, "Vera", "vera@home.example", "The roof leaks.\n.\nPlease call.").await;
    assert_eq!(reply.masked(), (200, json!({ "message": "Livechat offline message sent", "success": true })));
    let [mail] = &postbox.taken()[..] else { panic!("{:?}", postbox.taken()) };
    let envelope = ["MAIL FROM:<concord@desk.example>", "RCPT TO:<desk@desk.example>", "RCPT TO:<night@desk.example>"];
    assert_eq!(mail.envelope, envelope);
    assert_eq!(mail.header("From"), ["concord@desk.example"]);
    assert_eq!(mail.header("Reply-To"), ["Vera <vera@home.example>"]);
    assert_eq!(mail.header("Subject"), ["Message from Vera: The roof leaks. . Please call."]);
    assert_eq!(mail.header("Content-Type"), ["text/plain; charset=utf-8"]);
    let text = "Name: Vera\nE-mail: vera@home.example\nWritten at: https://shop.example/  Bcc: x\n\n\
                The roof leaks.\n.\nPlease call.";
    assert_eq!(mail.text().trim_end(), text);
}

#[tokio::test]
async fn nothing_a_visitor_writes_becomes_a_header_or_a_recipient() {
    let postbox = Postbox::open().await;
    let office = office(&postbox).await;
    let evil = [
        "Eve\r\nBcc: victim@bank.example",
        "Eve\nTo: victim@bank.example",
        "Eve\" <victim@bank.example>, \"",
        "Eve, victim@bank.example",
        "=?utf-8?q?Eve=0D=0ABcc:_victim=40bank.example?=",
        "Ève\u{2028}Bcc: victim@bank.example",
    ];
    for name in evil {
        let reply = leave(&office, name, "eve@home.example", "\r\n.\r\nRCPT TO:<victim@bank.example>\r\n.\r\n").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let taken = postbox.taken();
    assert_eq!(taken.len(), evil.len());
    for mail in taken {
        assert_eq!(mail.envelope.len(), 3, "{mail:?}");
        assert_eq!(mail.header("To"), ["desk@desk.example, night@desk.example"], "{mail:?}");
        let names: Vec<String> =
            mail.headers().iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect();
        let known = ["From", "Subject", "Date", "To", "Reply-To", "MIME-Version", "Content-Type"];
        let of_body = ["Content-Transfer-Encoding"];
        assert!(names.iter().all(|name| known.contains(&&**name) || of_body.contains(&&**name)), "{names:?}");
        // One mailbox: what precedes the last address is quoted or encoded.
        let [reply_to] = &mail.header("Reply-To")[..] else { panic!("{mail:?}") };
        assert!(reply_to.ends_with("<eve@home.example>"), "{reply_to}");
        assert!(!reply_to.contains("<victim@bank.example>") || reply_to.contains("\\\""), "{reply_to}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_gets_no_mail() {
    let postbox = Postbox::open().await;
    let office = office(&postbox).await;
    for email in
        ["", "vera", "vera@home.example\r\nRCPT TO:<x@bank.example>", "a@b.example, c@d.example", "<a@b.example>"]
    {
        let reply = leave(&office, "Vera", email, "Hello").await;
        let expected =
            (400, "Invalid e-mail address [error-invalid-email-address]", Some("error-invalid-email-address"));
        assert_eq!(reply.refusal(), expected, "{email}");
    }
    assert_eq!(postbox.taken(), []);
}

#[tokio::test]
async fn who_has_no_mail_server_is_told_what_is_missing() {
    let office = Office::open().await;
    let unaddressed = leave(&office, "Vera", "vera@home.example", "Hello").await;
    assert!(unaddressed.body["error"].as_str().unwrap().contains("Livechat_offline_email"), "{}", unaddressed.body);
    addressed(&office).await;
    let text = "The message was not sent: this server has no mail server, which `mail_url` in its configuration \
                names [error-email-send-failed]";
    let reply = leave(&office, "Vera", "vera@home.example", "Hello").await;
    assert_eq!(reply.refusal(), (400, text, Some("error-email-send-failed")));
}

#[tokio::test]
async fn what_the_mail_server_does_not_take_was_not_sent() {
    let postbox = Postbox::answering("550 no such desk@desk.example").await;
    let office = office(&postbox).await;
    let reply = leave(&office, "Vera", "vera@home.example", "Hello").await;
    let text = "The message was not sent; try again later [error-email-send-failed]";
    assert_eq!(reply.refusal(), (400, text, Some("error-email-send-failed")));
    assert_eq!(postbox.taken(), []);
}

fn hello() -> Mail {
    Mail {
        from: Correspondent::at("concord@desk.example"),
        to: vec![Correspondent::at("desk@desk.example")],
        reply_to: None,
        subject: "Grüße".to_owned(),
        text: "Hello".to_owned(),
        at: Timestamp::from_millis(1_772_697_600_000),
    }
}

#[tokio::test]
async fn why_a_mail_was_not_sent_is_told_apart() {
    let refusing = Postbox::answering("451 later").await;
    assert_eq!(mailer(&refusing.url()).send(&hello()).await, Err(MailError::Refused { code: 451 }));
    let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(mailer(&format!("smtp://{nowhere}?tls=none")).send(&hello()).await, Err(MailError::Unreachable));
    let nobody = Mail { to: vec![Correspondent::at("nobody")], ..hello() };
    assert_eq!(mailer(&refusing.url()).send(&nobody).await, Err(MailError::InvalidAddress));
}

#[tokio::test]
async fn a_server_without_encryption_gets_nothing_unless_that_was_said() {
    let postbox = Postbox::open().await;
    let encrypted = postbox.url().replace("?tls=none", "").replace("smtp://", "smtp://desk:open-sesame@");
    assert_eq!(mailer(&encrypted).send(&hello()).await, Err(MailError::Unreachable));
    let from_the_start = encrypted.replace("smtp://", "smtps://");
    assert_eq!(mailer(&from_the_start).send(&hello()).await, Err(MailError::Unreachable));
    assert_eq!(postbox.taken(), []);
}

#[tokio::test]
async fn a_mail_says_when_it_was_written_and_what_it_is_about_in_any_script() {
    let postbox = Postbox::open().await;
    mailer(&postbox.url()).send(&hello()).await.unwrap();
    let [mail] = &postbox.taken()[..] else { panic!("{:?}", postbox.taken()) };
    assert_eq!(mail.header("Date"), ["Thu, 05 Mar 2026 08:00:00 +0000"]);
    let [subject] = &mail.header("Subject")[..] else { panic!("{mail:?}") };
    assert!(subject.starts_with("=?utf-8?") && subject.is_ascii(), "{subject}");
}

/// No page of settings, and no setting, has the password: it is none.
#[tokio::test]
async fn no_setting_answers_the_password_of_the_mail_server() {
    let office = Office::open_with(Arc::new(mailer("smtps://desk:open-sesame@127.0.0.1:1"))).await;
    let listed = office.get("settings?count=0", Some(&office.admin)).await.body;
    let ids: Vec<&Value> = listed["settings"].as_array().unwrap().iter().map(|setting| &setting["_id"]).collect();
    assert!(ids.contains(&&json!("From_Email")) && !listed.to_string().contains("open-sesame"), "{listed}");
    assert_eq!(office.get("settings/SMTP_Password", Some(&office.admin)).await.status, 400);
}

#[tokio::test]
async fn a_transcript_holds_what_was_said_and_goes_to_whom_it_was_asked_for() {
    let postbox = Postbox::open().await;
    let office = office(&postbox).await;
    office.app.change_settings(&[("Livechat_enable_transcript".to_owned(), json!(true))]).await.unwrap();
    office.post("livechat/visitor", &json!({ "visitor": { "token": "vera", "name": "Vera" } }), None).await;
    let room = office.get("livechat/room?token=vera", None).await.body["room"]["_id"].clone();
    let said = json!({ "token": "vera", "rid": room, "msg": "The roof\n.\nleaks." });
    assert_eq!(office.post("livechat/message", &said, None).await.status, 200);
    let call = json!({ "msg": "method", "method": "sendMessage", "id": "1",
        "params": [{ "rid": room, "msg": "On my way." }] });
    let call = json!({ "message": call.to_string() });
    assert_eq!(office.post("method.call/sendMessage", &call, Some(&office.admin)).await.status, 200);

    let asked = json!({ "token": "vera", "rid": room, "email": "vera@home.example" });
    assert_eq!(office.post("livechat/transcript", &asked, None).await.status, 200);
    let many = json!({ "token": "vera", "rid": room, "email": "vera@home.example, victim@bank.example" });
    assert_eq!(office.post("livechat/transcript", &many, None).await.body["errorType"], "error-invalid-email-address");
    let closing = json!({
        "rid": room, "comment": "done",
        "transcriptEmail": {
            "sendToVisitor": true,
            "requestData": { "email": "vera@work.example", "subject": "Roof\r\nBcc: victim@bank.example" },
        },
    });
    assert_eq!(office.post("livechat/room.closeByUser", &closing, Some(&office.admin)).await.status, 200);

    let taken = postbox.taken();
    let [first, second] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(first.envelope, ["MAIL FROM:<concord@desk.example>", "RCPT TO:<vera@home.example>"]);
    assert_eq!(first.header("Subject"), ["Transcript of your conversation"]);
    let text = first.text();
    assert!(text.contains("Z Vera:\nThe roof\n.\nleaks.\n\n") && text.contains(":\nOn my way."), "{text:?}");
    assert_eq!(second.envelope, ["MAIL FROM:<concord@desk.example>", "RCPT TO:<vera@work.example>"]);
    assert_eq!(second.header("Subject"), ["Roof  Bcc: victim@bank.example"]);
    assert_eq!(second.header("Bcc"), Vec::<String>::new());
}
