//! The words for what visitors are refused, and for definitions and conversations.
//!
//! Upstream gives some a code and most none; either is on the wire.
//! Evidence: contract/around.md 3 to 5.

use app::mail::MailError;
use app::{
    CloseRoomError, ConverseError, DefinitionError, DeleteVisitorError, EnterVisitorError, InquiryError,
    OfflineMessageError, OpenRoomError, RegisterError, RoomError, SayError, TranscriptError, VisitorStatusError,
};

use crate::api::error::ApiError;

pub(crate) fn definition(error: &DefinitionError) -> ApiError {
    match error {
        DefinitionError::AlreadyExists => ApiError::plain("Custom Field already exists"),
        DefinitionError::NothingToUpdate => ApiError::plain("Custom Field Not found"),
        DefinitionError::NothingToDelete => ApiError::plain("Custom field not found"),
        DefinitionError::InvalidPattern(error) => {
            ApiError::coded(format!("Invalid regexp: {error}"), "error-invalid-regexp")
        }
        DefinitionError::TooMany => {
            ApiError::coded("There are as many custom fields as there can be", "error-too-many-custom-fields")
        }
    }
}

pub(crate) fn register(error: &RegisterError) -> ApiError {
    match error {
        RegisterError::TokenBlank => ApiError::coded("Token cannot be empty", "error-invalid-token"),
        RegisterError::UnknownDepartment => ApiError::plain("error-invalid-department"),
        RegisterError::FieldsMissing { keys } => {
            ApiError::plain(format!("Missing required custom fields: {}", keys.join(", ")))
        }
        RegisterError::ValueTooLong { key } => invalid_value(key),
    }
}

pub(crate) fn say(error: &SayError) -> ApiError {
    match error {
        SayError::UnknownToken => ApiError::plain("invalid-token"),
        SayError::UnknownField => ApiError::plain("invalid-custom-field"),
        SayError::InvalidValue { key } => invalid_value(key),
    }
}

pub(crate) fn open_room(error: OpenRoomError) -> ApiError {
    match error {
        OpenRoomError::UnknownToken => ApiError::plain("invalid-token"),
        OpenRoomError::UnknownRoom => ApiError::plain("invalid-room"),
        OpenRoomError::Disabled => ApiError::coded("", "error-omnichannel-is-disabled"),
        OpenRoomError::ChannelBlocked => ApiError::plain("error-contact-channel-blocked"),
        OpenRoomError::NoAgentOnline => ApiError::coded("Sorry, no online agents", "no-agent-online"),
    }
}

pub(crate) fn close_room(error: CloseRoomError) -> ApiError {
    ApiError::plain(match error {
        CloseRoomError::VisitorMayNot => "error-not-allowed-to-close-conversation",
        CloseRoomError::UnknownToken => "invalid-token",
        CloseRoomError::NotOfVisitor => "invalid-room",
        CloseRoomError::ClosedForVisitor => "room-closed",
        CloseRoomError::UnknownRoom => "error-invalid-room",
        CloseRoomError::NotAuthorized => "error-not-authorized",
        CloseRoomError::AlreadyClosed => "error-room-already-closed",
        CloseRoomError::CommentRequired => "error-comment-is-required",
    })
}

pub(crate) fn converse(error: ConverseError) -> ApiError {
    ApiError::plain(match error {
        ConverseError::UnknownToken => "invalid-token",
        ConverseError::UnknownRoom => "invalid-room",
        ConverseError::Closed => "room-closed",
        ConverseError::TooLong => "message-length-exceeds-character-limit",
        ConverseError::ChannelBlocked => "error-contact-channel-blocked",
        ConverseError::UnknownMessage => "invalid-message",
        ConverseError::NotAllowed => "error-not-allowed",
        ConverseError::TooFast { seconds } => return ApiError::TooManyRequests { wait_seconds: seconds },
    })
}

pub(crate) fn inquiry(error: InquiryError) -> ApiError {
    match error {
        InquiryError::UnknownUser => ApiError::plain("The user is invalid"),
        InquiryError::NotFound => ApiError::coded("Inquiry not found", "error-not-found"),
        InquiryError::Taken => ApiError::coded("Inquiry already taken", "error-inquiry-taken"),
        InquiryError::AgentOffline => ApiError::coded(
            "Agent status is offline or Omnichannel service is not active",
            "error-agent-status-service-offline",
        ),
        InquiryError::UnknownContact => ApiError::coded("", "error-unknown-contact"),
        InquiryError::UnverifiedContact => ApiError::coded("", "error-unverified-contact"),
        InquiryError::ContactGone => ApiError::coded("", "error-invalid-contact"),
        InquiryError::UnknownRoom => ApiError::plain("error-room-not-found"),
        InquiryError::RoomClosed => ApiError::plain("room-closed"),
        InquiryError::NotReturned => ApiError::plain("error-returning-inquiry"),
    }
}

pub(crate) fn room(error: RoomError) -> ApiError {
    ApiError::plain(match error {
        RoomError::NothingToRemove => "Invalid room",
        RoomError::NotClosed => "error-room-is-not-closed",
        RoomError::UnknownRoom | RoomError::NothingToMove => "error-invalid-room",
        RoomError::NotOfVisitor => "error-invalid-visitor",
        RoomError::NotAllowed => return ApiError::Forbidden,
        RoomError::MovedTooLate => "This_conversation_is_already_closed",
        RoomError::UnknownDepartment => "error-transfering-chat",
        RoomError::NothingAnswered => "invalid-data",
    })
}

pub(crate) fn delete_visitor(error: DeleteVisitorError) -> ApiError {
    match error {
        DeleteVisitorError::UnknownToken => ApiError::coded("", "invalid-token"),
        DeleteVisitorError::HasOpenRooms => {
            ApiError::coded("Cannot remove visitors with opened rooms", "visitor-has-open-rooms")
        }
    }
}

pub(crate) fn enter_visitor(error: &EnterVisitorError) -> ApiError {
    match error {
        EnterVisitorError::TokenBlank => ApiError::coded("Invalid visitor token", "error-invalid-contact-data"),
        EnterVisitorError::ManagerNotFound { username } => {
            ApiError::coded(format!("No user found with username {username}"), "error-contact-manager-not-found")
        }
        EnterVisitorError::ManagerNoAgent => ApiError::coded(
            r#"The contact manager must have the role "livechat-agent""#,
            "error-invalid-contact-manager",
        ),
    }
}

pub(crate) fn visitor_status(error: VisitorStatusError) -> ApiError {
    match error {
        VisitorStatusError::UnknownToken => ApiError::coded("", "invalid-token"),
    }
}

/// Whoever runs the server reads it too, while setting it up: it says what is missing.
/// What every mail that was not sent is called.
const NOT_SENT: &str = "error-email-send-failed";

pub(crate) fn offline_message(error: OfflineMessageError) -> ApiError {
    match error {
        OfflineMessageError::FormDisabled => ApiError::coded("", "error-offline-form-disabled"),
        OfflineMessageError::InvalidEmail => invalid_email(),
        OfflineMessageError::NoAddress => ApiError::coded(
            "The message was not sent: the settings Livechat_offline_email and From_Email must hold addresses",
            NOT_SENT,
        ),
        OfflineMessageError::NotSent(error) => not_sent("message", error),
    }
}

pub(crate) fn transcript(error: TranscriptError) -> ApiError {
    match error {
        TranscriptError::Disabled => ApiError::coded("", "error-transcript-disabled"),
        TranscriptError::Empty => {
            ApiError::coded("Nobody has answered in this conversation yet", "error-transcript-empty")
        }
        TranscriptError::InvalidEmail => invalid_email(),
        TranscriptError::NoAddress => {
            ApiError::coded("The transcript was not sent: the setting From_Email must hold an address", NOT_SENT)
        }
        TranscriptError::NotSent(error) => not_sent("transcript", error),
    }
}

fn invalid_email() -> ApiError {
    ApiError::coded("Invalid e-mail address", "error-invalid-email-address")
}

fn not_sent(what: &str, error: MailError) -> ApiError {
    let why = match error {
        MailError::NotConfigured => ": this server has no mail server, which `mail_url` in its configuration names",
        MailError::InvalidAddress | MailError::Unreachable | MailError::Refused { .. } | MailError::TimedOut => {
            "; try again later"
        }
    };
    ApiError::coded(format!("The {what} was not sent{why}"), NOT_SENT)
}

/// By the key, where an agent is told the label.
fn invalid_value(key: &str) -> ApiError {
    ApiError::plain(format!("Invalid value for {key} field"))
}
