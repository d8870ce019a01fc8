package authn

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Error is a refusal in S3's terms. Challenge asks for WWW-Authenticate headers.
type Error struct {
	Status    int
	Code      string
	Message   string
	Challenge bool
}

// Error is the message; it never holds a secret.
func (e *Error) Error() string { return e.Message }

func forbid(code, message string) error {
	return &Error{Status: http.StatusForbidden, Code: code, Message: message}
}

func bad(code, message string) error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

func challenge(code, message string) error {
	return &Error{Status: http.StatusUnauthorized, Code: code, Message: message, Challenge: true}
}

// Authenticator checks requests against Identities.
type Authenticator struct {
	Identities Identities
	BasePath   string           // of the service, which some clients leave out of what they sign
	Now        func() time.Time // the server's clock

	keys keyCache
}

// Authenticate returns who sent r. It replaces r.Body by one that is decoded and
// verified as it is read: its last Read fails where hash, chunk signature or length are
// wrong, so nothing that was read may be kept before io.EOF. Errors are *Error or a
// failure of Identities.
func (a *Authenticator) Authenticate(r *http.Request, query url.Values) (Identity, *Body, error) {
	headers, inQuery := r.Header["Authorization"], sigv4.InQuery(query)
	header := ""
	if len(headers) > 0 {
		header = headers[0]
	}
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case len(headers) > 1, header != "" && (inQuery || query.Has("AWSAccessKeyId")):
		return Identity{}, nil, bad("InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "+
			"Signature query string parameter or the Authorization header should be specified")
	case sigv4.InHeader(r):
		s, err := sigv4.ParseHeader(r)
		return a.signed(r, s, err)
	case strings.EqualFold(scheme, "AWS"), header == "" && query.Has("AWSAccessKeyId"):
		return Identity{}, nil, bad("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256: "+
			"aws configure set default.s3.signature_version s3v4, or in boto3 Config(signature_version='s3v4')")
	case strings.HasPrefix(scheme, "AWS4-"):
		return Identity{}, nil, bad("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case strings.EqualFold(scheme, "Basic"):
		id, err := a.basic(r)
		return a.plain(r, id, err)
	case strings.EqualFold(scheme, "Bearer"):
		id, err := a.bearer(r.Context(), strings.TrimSpace(rest))
		return a.plain(r, id, err)
	case header != "":
		return Identity{}, nil, challenge("InvalidRequest", "The Authorization scheme is not one of AWS4-HMAC-SHA256, Basic and Bearer.")
	case inQuery:
		s, err := sigv4.ParseQuery(query)
		if s != nil && !query.Has("X-Amz-Content-Sha256") && s.Signs("x-amz-content-sha256") {
			s.PayloadHash = r.Header.Get("X-Amz-Content-Sha256")
		}
		return a.signed(r, s, err)
	}
	return Identity{}, nil, challenge("AccessDenied", "Access Denied: the request carries no credentials.")
}

// signed checks a Version 4 signature.
func (a *Authenticator) signed(r *http.Request, s *sigv4.Signature, err error) (Identity, *Body, error) {
	if err != nil {
		return Identity{}, nil, fromSig(err)
	}
	if r.Header.Get("X-Amz-Security-Token") != "" || s.SessionToken {
		return Identity{}, nil, bad("InvalidToken", "The provided token is malformed or otherwise invalid: this service issues no session tokens. "+
			"Unset AWS_SESSION_TOKEN, or remove aws_session_token from the profile.")
	}
	if s.PayloadHash == "" {
		// curl before 8 sends no hash with a request without a body, but signs that of nothing.
		if r.ContentLength != 0 {
			return Identity{}, nil, bad("InvalidRequest", "Missing required header for this request: x-amz-content-sha256 (UNSIGNED-PAYLOAD will do)")
		}
		s.PayloadHash = sigv4.EmptyPayload
	}
	if err := s.Timely(a.Now()); err != nil {
		return Identity{}, nil, fromSig(err)
	}
	id, secret, err := a.Identities.AccessKey(r.Context(), s.AccessKeyID)
	if err != nil {
		return Identity{}, nil, unknown(err, forbid("InvalidAccessKeyId", "The access key ID you provided does not exist in our records."))
	}
	targets := sigv4.Targets(r.URL.EscapedPath(), a.BasePath)
	key, err := a.verify(r, s, secret, targets)
	if err != nil {
		if secret, key, err = a.previous(r, s, targets, err); err != nil {
			return Identity{}, nil, fromSig(err)
		}
	}
	id.proof = proofOf(secret)
	if err := s.Covers(r.Header); err != nil {
		return Identity{}, nil, fromSig(err)
	}
	body, err := newBody(r, s.PayloadHash, s, key)
	return id, body, err
}

// previous tries the secret that a rotation replaced; otherwise it returns mismatch.
func (a *Authenticator) previous(r *http.Request, s *sigv4.Signature, targets []sigv4.Target, mismatch error) (secret string, key []byte, err error) {
	if secret = a.replaced(r.Context(), s.AccessKeyID); secret == "" {
		return "", nil, mismatch
	}
	key, err = a.verify(r, s, secret, targets)
	return secret, key, err
}

// replaced is the secret that a rotation replaced, while its grace lasts; "" is none.
func (a *Authenticator) replaced(ctx context.Context, accessKeyID string) string {
	rotating, ok := a.Identities.(Rotating)
	if !ok {
		return ""
	}
	secret, err := rotating.PreviousSecret(ctx, accessKeyID)
	if err != nil {
		return ""
	}
	return secret
}

// Still returns who an identity that Authenticate returned is by now, and ErrUnknown where the
// secret that it showed then is not valid any more (SPEC B8).
func (a *Authenticator) Still(ctx context.Context, was Identity) (Identity, error) {
	now, secret, err := a.Identities.AccessKey(ctx, was.AccessKeyID)
	if err != nil {
		return Identity{}, err
	}
	if proofOf(secret) != was.proof {
		if old := a.replaced(ctx, was.AccessKeyID); old == "" || proofOf(old) != was.proof {
			return Identity{}, ErrUnknown
		}
	}
	now.proof = was.proof
	return now, nil
}

// verify returns the key that the request is signed with. Only a key that a request was
// signed with is remembered, so that nobody without a secret can fill the cache.
func (a *Authenticator) verify(r *http.Request, s *sigv4.Signature, secret string, targets []sigv4.Target) ([]byte, error) {
	key, known := a.keys.get(secret, s)
	if !known {
		key = s.Key(secret)
	}
	if err := s.Verify(r, key, targets); err != nil {
		return nil, err
	}
	if !known {
		a.keys.put(secret, s, key)
	}
	return key, nil
}

// basic is peer-id:mesh-token.
func (a *Authenticator) basic(r *http.Request) (Identity, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return Identity{}, challenge("InvalidRequest", "The Basic credentials are malformed; they are the base64 of peer-id:mesh-token.")
	}
	id, secret, err := a.Identities.AccessKey(r.Context(), user)
	if err != nil {
		return Identity{}, unknown(err, challenge("InvalidAccessKeyId", "The peer id you provided does not exist in our records."))
	}
	id.proof = proofOf(password)
	if equal(secret, password) {
		return id, nil
	}
	if old := a.replaced(r.Context(), user); old != "" && equal(old, password) {
		return id, nil
	}
	return Identity{}, challenge("InvalidSecurity", "The provided security credentials are not valid.")
}

func (a *Authenticator) bearer(ctx context.Context, token string) (Identity, error) {
	if token == "" {
		return Identity{}, challenge("InvalidToken", "The bearer token is empty.")
	}
	id, err := a.Identities.Token(ctx, token)
	if err != nil {
		return Identity{}, unknown(err, challenge("InvalidToken", "The provided token is malformed or otherwise not valid."))
	}
	id.proof = proofOf(token)
	return id, nil
}

// plain is a request whose body nobody signed.
func (a *Authenticator) plain(r *http.Request, id Identity, err error) (Identity, *Body, error) {
	if err != nil {
		return Identity{}, nil, err
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = sigv4.UnsignedPayload
	}
	body, err := newBody(r, hash, nil, nil)
	return id, body, err
}

// equal takes the same time whatever the strings (SPEC B7).
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func unknown(err, refusal error) error {
	if errors.Is(err, ErrUnknown) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Auth) {
		return refusal
	}
	return err
}

func fromSig(err error) error {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		return err
	}
	status := http.StatusBadRequest
	switch e.Code {
	case "SignatureDoesNotMatch", "RequestTimeTooSkewed", "AccessDenied":
		status = http.StatusForbidden
	}
	return &Error{Status: status, Code: e.Code, Message: e.Message}
}

// Claimed is the access key that a request says it is signed with, for a log; empty where
// it says none. A bearer token is not in it, but whoever mixes up id and token claims a secret.
func Claimed(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential = rest
	}
	key, _, _ := strings.Cut(credential, "/")
	return key
}
