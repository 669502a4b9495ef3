//! The three gates in one place: authentication, impersonation, authorization.

use super::attributes::{Attributes, RequestAttributes};
use super::authentication::bearer_token;
use super::flow_control::FlowControl;
use super::rbac::Index;
use super::tokens::{self, Issuer, Verified};
use super::user::{MASTERS, User};
use super::{Access, Authorization, Flow, Strangers, impersonation};
use crate::error::ApiError;
use crate::field_error::aggregate_texts;
use crate::request::{ClientCertificate, Request};
use crate::routing::Route;
use crate::store::{Change, Store};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who is known, and what they may do now.
#[derive(Clone, Debug)]
pub(crate) struct AccessControl {
    tokens: BTreeMap<String, Arc<User>>,
    strangers: Strangers,
    administrator: Arc<User>,
    anonymous: Arc<User>,
    itself: Arc<User>,
    /// None: everybody may do everything.
    rbac: Option<Index>,
    flows: FlowControl,
    issuer: Issuer,
}

/// What an authorizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// Why; mostly empty.
    pub(crate) reason: String,
}

impl AccessControl {
    pub(crate) fn new(access: Access, seed: u64) -> Self {
        let tokens = access.tokens.into_iter();
        Self {
            tokens: tokens.map(|(token, user)| (token, Arc::new(user.authenticated()))).collect(),
            strangers: access.strangers,
            administrator: Arc::new(User::administrator()),
            anonymous: Arc::new(User::anonymous()),
            itself: Arc::new(User::server()),
            rbac: (access.authorization == Authorization::Rbac).then(Index::default),
            flows: FlowControl::default(),
            issuer: Issuer::new(access.service_account_tokens, seed),
        }
    }

    /// The rules that decide; none when everybody may do everything.
    pub(crate) fn index(&self) -> Option<&Index> {
        self.rbac.as_ref()
    }

    /// What makes and checks tokens of service accounts.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The user that the control plane itself acts as.
    pub(crate) fn itself(&self) -> &Arc<User> {
        &self.itself
    }

    /// Takes up one write.
    pub(crate) fn observe(&mut self, change: &Change) {
        if let Some(index) = &mut self.rbac {
            index.observe(change);
        }
        self.flows.observe(change);
    }

    /// Lets a request in: the answer is who it is carried out as. Finds out to which flow it belongs, also when it is
    /// refused to somebody who is known.
    ///
    /// # Errors
    /// 401, 403, or 400 for an impersonation that makes no sense.
    pub(crate) fn admit(
        &self,
        store: &Store,
        request: &Request,
        route: &Route,
        now: Timestamp,
        flow: &mut Option<Flow>,
    ) -> Result<Arc<User>, ApiError> {
        let mut user = self.authenticate(store, request, now)?;
        let impersonates = impersonation::is_wanted(&request.headers);
        if self.rbac.is_none() && !impersonates && self.flows.is_empty() {
            return Ok(user);
        }
        let attributes = RequestAttributes::of(request, route);
        if impersonates
            && let Some(other) = impersonation::impersonate(self, &request.headers, &user, &attributes)?
        {
            user = Arc::new(other);
        }
        let asked = attributes.by(&user, &attributes.verb);
        *flow = self.flows.flow(&asked);
        self.check(&asked)?;
        Ok(user)
    }

    /// A certificate is looked at before a token, and a good token outweighs a bad certificate.
    fn authenticate(&self, store: &Store, request: &Request, now: Timestamp) -> Result<Arc<User>, ApiError> {
        if let ClientCertificate::Verified(user) = &request.certificate {
            return Ok(Arc::new(user.clone().authenticated()));
        }
        let token = bearer_token(&request.headers);
        if let Some(user) = token.and_then(|token| self.tokens.get(token)) {
            return Ok(user.clone());
        }
        let audiences = &self.issuer.settings.audiences;
        if let Some(Ok(verified)) =
            token.and_then(|token| tokens::verify(&self.issuer, store, token, audiences, now))
        {
            return Ok(Arc::new(verified.user.authenticated()));
        }
        match (self.strangers, token) {
            (Strangers::Administrator, _) => Ok(self.administrator.clone()),
            (Strangers::Anonymous, None) if request.certificate == ClientCertificate::Refused => {
                Err(ApiError::unauthorized())
            }
            (Strangers::Anonymous, None) => Ok(self.anonymous.clone()),
            (Strangers::Anonymous, Some(_)) => Err(ApiError::unauthorized()),
        }
    }

    /// Whose a token is, for one of these audiences; a static token is for the server's own.
    ///
    /// # Errors
    /// What is wrong with a token that the server could have made.
    pub(crate) fn user_of_token(
        &self,
        store: &Store,
        token: &str,
        wanted: &[String],
        now: Timestamp,
    ) -> Result<Verified, Option<String>> {
        if let Some(user) = self.tokens.get(token) {
            let own = self.issuer.settings.audiences.iter();
            let audiences: Vec<String> = own.filter(|own| wanted.contains(own)).cloned().collect();
            let user = User::clone(user);
            return if audiences.is_empty() { Err(None) } else { Ok(Verified { user, audiences }) };
        }
        tokens::verify(&self.issuer, store, token, wanted, now).ok_or(None)?.map_err(Some)
    }

    /// # Errors
    /// 403 in the words of Kubernetes.
    pub(crate) fn check(&self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        match self.find(attributes) {
            Ok(_) => Ok(()),
            Err(reason) => Err(attributes.forbidden(&reason)),
        }
    }

    /// Whether something is allowed, and why.
    pub(crate) fn decide(&self, attributes: &Attributes<'_>) -> Decision {
        match self.find(attributes) {
            Ok(None) => Decision { allowed: true, reason: String::new() },
            Ok(Some(grant)) => Decision { allowed: true, reason: grant.reason() },
            Err(reason) => Decision { allowed: false, reason },
        }
    }

    fn find(&self, attributes: &Attributes<'_>) -> Result<Option<super::rbac::Grant<'_>>, String> {
        let Some(index) = &self.rbac else { return Ok(None) };
        if attributes.user.is_in(MASTERS) {
            return Ok(None);
        }
        index.find(attributes).map(Some).map_err(|problems| match problems.is_empty() {
            true => String::new(),
            false => format!("RBAC: {}", aggregate_texts(&problems)),
        })
    }
}
