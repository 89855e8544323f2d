"""Who of the staff may come in, how they show who they are, and what they may do then.

- `permissions`: every permission by its name, and the one place where it is checked.
- `roles`: the six roles that come with Kanhe, own ones, and which duties stay apart.
- `masking`: how personal data is shown to those who may not see it.
- `passwords`, `hashing`: which passwords are accepted, and how they are kept.
- `totp`, `passkeys`, `recovery`: second factors, and signing in without a password.
- `sessions`, `lockout`, `sealing`: what stands between two requests, and who has to wait.
- `oidc`: the single sign-on of a company.
"""
