//! Rate limits, permissions, credentials.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::RateLimited,
        0.85,
        "Requests are rate limited {thing}",
        "rate limit exceeded|rate limited|rate-limited|ratelimit|rate limit|too many requests|throttlingexception|\
         request was throttled|requests throttled|429 |status 429|http 429|quota exceeded|quotaexceeded|toomanyrequests|\
         slow down|api limit",
    )
    .with("exceed|limited|too many|throttl|429|quota|reached|hit|slow down|retry")
    .about(Thing::Target)
    .fix(
        "Back off, cache or batch the calls; ask for a higher limit, or use an own token instead of a shared one",
        "Watch the remaining quota that the service reports",
    ),
    sign(
        Category::PermissionDenied,
        0.86,
        "Permission is denied to {thing}",
        "is forbidden: user|cannot list resource|cannot get resource|cannot watch resource|cannot create resource|\
         cannot patch resource|cannot update resource|cannot delete resource|not authorized to perform|accessdenied|\
         access denied|access is denied|insufficient permission|insufficientprivilege|permission denied for|\
         must be owner of|not authorized|unauthorizedoperation|permissiondenied|permission_denied|lacks permission|\
         does not have permission",
    )
    .without("access denied for user")
    .about(Thing::Account)
    .fix(
        "Grant what the line names and nothing more (Role and RoleBinding, IAM policy, GRANT), or use the identity that has it",
        "Test the permissions of a workload's identity before the rollout",
    ),
    sign(
        Category::PermissionDenied,
        0.84,
        "The program may not access {thing} (permission denied)",
        "permission denied|eacces|operation not permitted|eperm|permissionerror",
    )
    .without("permission denied (publickey")
    .about(Thing::Path)
    .fix(
        "Give the container's user access to {thing} (fsGroup, runAsUser, chown in the image), or write elsewhere",
        "Run images as the same user in CI",
    ),
    sign(
        Category::Authentication,
        0.78,
        "Credentials or tokens are rejected {thing}",
        "invalid credentials|invalid api key|invalid token|token is expired|token has expired|jwt expired|expired token|\
         expiredtoken|signature has expired|jwt validation failed|bad credentials|401 unauthorized|status 401|http 401|\
         status code 401|unauthorized|invalid_grant|invalid_client|unauthenticated|invalid signature|\
         signaturedoesnotmatch|authentication required|permission denied (publickey|incorrect username or password|\
         invalid bearer|token validation failed|token rejected",
    )
    .about(Thing::Target)
    .fix("Check which credential is sent, its age and clock skew; renew it", "Renew tokens before they expire; alert on 401 ratio"),
];
