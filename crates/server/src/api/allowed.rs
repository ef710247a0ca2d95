//! Who asks, and whether they may: the first argument of every handler.
//!
//! Credentials come before permissions, and both before anything that was sent is looked at.
//! Evidence: contract/contacts.md 2.1 to 2.4; contract/around.md 1.3 and 1.4.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::directory::User;

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::rate::Standing;

/// The header with the token.
pub(crate) const X_AUTH_TOKEN: &str = "x-auth-token";
/// The header with the user id.
pub(crate) const X_USER_ID: &str = "x-user-id";

/// Someone whose credentials are good. Not to be printed: it holds a token.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) user: Arc<User>,
    /// The token they showed.
    pub(crate) token: Arc<str>,
}

/// What is found out about a request on its way in, for its answer and its log line on the way out.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Findings>);

#[derive(Default)]
struct Findings {
    caller: OnceLock<Option<Caller>>,
    rate: OnceLock<Standing>,
}

impl Asked {
    /// Who asked, if that was looked at and the credentials were good.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.0.caller.get()?.as_ref()
    }

    /// Where the caller stands with the rate limit, if there is one.
    pub(crate) fn rate(&self) -> Option<&Standing> {
        self.0.rate.get()
    }

    pub(crate) fn note_rate(&self, standing: Standing) {
        // Counted once a request; a second count would be a second request.
        let _ = self.0.rate.set(standing);
    }
}

/// Finds out who asks, once a request; nobody, where the credentials are missing or wrong.
pub(crate) async fn identify(parts: &Parts, api: &Api) -> Result<Option<Caller>, ApiError> {
    let asked = parts.extensions.get::<Asked>();
    if let Some(known) = asked.and_then(|asked| asked.0.caller.get()) {
        return Ok(known.clone());
    }
    let found = match credentials(&parts.headers) {
        Some((user_id, token)) => {
            api.app.look_up_token(token).await?;
            let user = api.app.authenticate(user_id, token);
            user.map(|user| Caller { user, token: token.into() })
        }
        None => None,
    };
    Ok(match asked {
        Some(asked) => asked.0.caller.get_or_init(|| found).clone(),
        None => found,
    })
}

/// Who asks, as far as it was found out.
pub(crate) fn identified(parts: &Parts) -> Option<&Caller> {
    parts.extensions.get::<Asked>().and_then(Asked::caller)
}

fn credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    Some((headers.get(X_USER_ID)?.to_str().ok()?, headers.get(X_AUTH_TOKEN)?.to_str().ok()?))
}

/// Anybody. Good credentials are noticed, bad ones ignored.
pub(crate) struct Anyone;

impl FromRequestParts<Api> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        identify(parts, api).await?;
        Ok(Self)
    }
}

/// Anybody, and who it is, where credentials are good.
pub(crate) struct MaybeLoggedIn(pub(crate) Option<Caller>);

impl FromRequestParts<Api> for MaybeLoggedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        Ok(Self(identify(parts, api).await?))
    }
}

/// Anybody logged in.
pub(crate) struct LoggedIn(pub(crate) Caller);

impl FromRequestParts<Api> for LoggedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        identify(parts, api).await?.map(Self).ok_or(ApiError::NotLoggedIn)
    }
}

/// Names what an endpoint demands: one permission.
pub(crate) trait Demand: Send {
    /// Upstream's name of the permission.
    const PERMISSION: &'static str;
}

/// Somebody logged in who holds the permission `D`.
pub(crate) struct Allowed<D>(pub(crate) Caller, pub(crate) PhantomData<D>);

impl<D: Demand> FromRequestParts<Api> for Allowed<D> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = identify(parts, api).await?.ok_or(ApiError::NotLoggedIn)?;
        if api.app.directory().has_permission(&caller.user, D::PERMISSION) {
            Ok(Self(caller, PhantomData))
        } else {
            Err(ApiError::NotAllowed)
        }
    }
}

macro_rules! demands {
    ($($name:ident = $permission:literal,)*) => {$(
        #[doc = concat!("Demands `", $permission, "`.")]
        pub(crate) struct $name;

        impl Demand for $name {
            const PERMISSION: &'static str = $permission;
        }
    )*};
}

demands! {
    AccessPermissions = "access-permissions",
    BlockLivechatContact = "block-livechat-contact",
    CloseLivechatRoom = "close-livechat-room",
    CreateLivechatContact = "create-livechat-contact",
    DeleteLivechatContact = "delete-livechat-contact",
    DeleteUser = "delete-user",
    EditOtherUserActiveStatus = "edit-other-user-active-status",
    EditPrivilegedSetting = "edit-privileged-setting",
    RemoveClosedLivechatRoom = "remove-closed-livechat-room",
    UnblockLivechatContact = "unblock-livechat-contact",
    UpdateLivechatContact = "update-livechat-contact",
    UserGenerateAccessToken = "user-generate-access-token",
    ViewDRoom = "view-d-room",
    ViewLRoom = "view-l-room",
    ViewLivechatContact = "view-livechat-contact",
    ViewLivechatContactHistory = "view-livechat-contact-history",
    ViewLivechatManager = "view-livechat-manager",
    ViewPrivilegedSetting = "view-privileged-setting",
}
