package mounts

import (
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// The descriptors that a mount process finds open: it reads one Start from the first,
// which in the foreground stays open for as long as who asked for the mount lives,
// and writes an Answer to the second when the mount is usable, and one when it has ended.
const (
	StartFD  = 3
	AnswerFD = 4
)

// startMax bounds the document that a mount process reads, in bytes.
const startMax = 1 << 20

// Start is what a mount process is told.
type Start struct {
	Spec        Spec
	Roots       xdg.Roots
	Log         string // path of the file that its log goes to; "" where it is in the foreground
	Credentials keyring.Credentials
	Trace       bool // tell the log of each request
}

// wireStart is Start as it crosses the pipe: the one place where a mount's secrets are
// written in clear, to nobody but the own child (SPEC A35).
type wireStart struct {
	Spec            Spec      `json:"spec"`
	Roots           xdg.Roots `json:"roots"`
	Log             string    `json:"log"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token"`
	Region          string    `json:"region"`

	Expires  time.Time         `json:"expires"`
	Provider *keyring.Provider `json:"provider,omitempty"`

	Proxy webproxy.Settings `json:"proxy"` // may hold a password, which the environ of a child must not
	Trace bool              `json:"trace,omitempty"`
}

// Send writes s for ReceiveStart.
func (s Start) Send(w io.Writer) error {
	return json.NewEncoder(w).Encode(wireStart{
		Spec: s.Spec, Roots: s.Roots, Log: s.Log,
		AccessKeyID:     s.Credentials.AccessKeyID,
		SecretAccessKey: s.Credentials.SecretAccessKey.Reveal(),
		SessionToken:    s.Credentials.SessionToken.Reveal(),
		Region:          s.Credentials.Region,
		Expires:         s.Credentials.Expires,
		Provider:        s.Spec.Provider,
		Proxy:           s.Spec.Web.Proxy,
		Trace:           s.Spec.Web.Trace != nil,
	})
}

// ReceiveStart reads what Send wrote. Its errors hold nothing of the document.
func ReceiveStart(r io.Reader) (Start, error) {
	var w wireStart
	if err := json.NewDecoder(io.LimitReader(r, startMax)).Decode(&w); err != nil {
		return Start{}, errors.New("the mount process was not told what to mount; it is started by 'artifacts mount'")
	}
	w.Spec.Provider, w.Spec.Web.Proxy = w.Provider, w.Proxy
	return Start{Spec: w.Spec, Roots: w.Roots, Log: w.Log, Trace: w.Trace, Credentials: keyring.Credentials{
		AccessKeyID:     w.AccessKeyID,
		SecretAccessKey: keyring.NewSecret(w.SecretAccessKey),
		SessionToken:    keyring.NewSecret(w.SessionToken),
		Region:          w.Region,
		Expires:         w.Expires,
	}}, nil
}

// Answer says, first, whether the mount is usable; last, whether it ended with data left.
type Answer struct {
	Status *Status    `json:"status,omitempty"`
	Error  *WireError `json:"error,omitempty"`
}

// DrainRequest asks a mount process to detach and drain.
type DrainRequest struct {
	TimeoutSeconds float64 `json:"timeout_seconds,omitempty"` // 0: until done
	Lazy           bool    `json:"lazy,omitempty"`            // of an unmount: detach at once, and answer then
}

// RefreshRequest asks a mount process to forget listings.
type RefreshRequest struct {
	Path string `json:"path"` // relative to the mountpoint; "" is all of it
}

// DrainLine is one line of the answer to a DrainRequest. The last one has Done, and
// Error where data is left or the mount could not be detached.
type DrainLine struct {
	Drain Drain      `json:"drain"`
	Done  bool       `json:"done,omitempty"`
	Error *WireError `json:"error,omitempty"`
}

// WireError is a fault.Error between processes.
type WireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// NewWireError returns err for the wire; nil for nil.
func NewWireError(err error) *WireError {
	e := fault.As(err)
	if e == nil {
		return nil
	}
	return &WireError{Code: e.Kind.Code(), Message: e.Error(), Hint: e.Hint}
}

// Fault is the inverse of NewWireError.
func (e *WireError) Fault() error {
	if e == nil {
		return nil
	}
	return &fault.Error{Kind: fault.KindOfCode(e.Code), Message: e.Message, Hint: e.Hint}
}
