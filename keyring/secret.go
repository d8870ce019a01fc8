package keyring

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// maskShort is the length in bytes below which Mask shows nothing of a value (SPEC A28).
const maskShort = 16

// Mask returns the first four and the last four bytes of v with "***" between
// them, or "***" alone where v is shorter than 16 bytes (SPEC A28). The empty
// string stays empty.
func Mask(v string) string {
	switch {
	case v == "":
		return ""
	case len(v) < maskShort:
		return "***"
	default:
		return v[:4] + "***" + v[len(v)-4:]
	}
}

// Secret is a value that never shows: every format verb, JSON, text and slog
// print its mask. Reveal alone returns it.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value itself. Call it only where the value is used (to
// sign, to store), never to print.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns the mask.
func (s Secret) String() string { return Mask(s.value) }

// GoString returns the mask.
func (s Secret) GoString() string { return fmt.Sprintf("keyring.Secret(%s)", Mask(s.value)) }

// Format prints the mask whatever the verb and flags.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		_, _ = f.Write([]byte(s.GoString()))
		return
	}
	_, _ = f.Write([]byte(Mask(s.value)))
}

// MarshalJSON writes the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(Mask(s.value)) }

// MarshalText writes the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Mask(s.value)), nil }

// LogValue is the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Mask(s.value)) }
