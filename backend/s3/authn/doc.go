// Package authn finds out who sent a request: Signature Version 4, Basic, or a bearer
// token, and hands on a body that is verified as it is read. It imports sigv4 and
// internal/; where identities live is behind the Identities interface.
package authn
