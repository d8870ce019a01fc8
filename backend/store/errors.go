package store

import (
	"fmt"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Code names what the store refused, by the name S3 gives the same refusal:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
type Code string

// The codes.
const (
	NoSuchBucket        Code = "NoSuchBucket"
	BucketAlreadyExists Code = "BucketAlreadyExists"
	BucketNotEmpty      Code = "BucketNotEmpty"
	InvalidBucketName   Code = "InvalidBucketName"
	NoSuchKey           Code = "NoSuchKey"
	NoSuchPrefix        Code = "NoSuchPrefix"    // it is not counted; not a code of S3
	InvalidKey          Code = "InvalidKey"      // empty, not UTF-8, or with a NUL
	KeyTooLong          Code = "KeyTooLongError" // more than MaxKey bytes
	NoSuchUpload        Code = "NoSuchUpload"
	InvalidPart         Code = "InvalidPart"
	InvalidPartOrder    Code = "InvalidPartOrder"
	EntityTooSmall      Code = "EntityTooSmall" // a part other than the last one is under MinPart
	PreconditionFailed  Code = "PreconditionFailed"
	QuotaExceeded       Code = "QuotaExceeded" // SPEC B24
	IncompleteBody      Code = "IncompleteBody"
	InvalidRange        Code = "InvalidRange"
	// Condemned: the bytes were taken for abandoned and are deleted, because it took too long to
	// record them. The client may send them again.
	Condemned Code = "ServiceUnavailable"
	// TooFast: others changed what a change builds on, each time it was begun again.
	TooFast Code = "SlowDown"
)

// Error is a refusal: nothing was changed. Compare with errors.Is and the Err…
// values, which match by Code alone. errors.As to *fault.Error works and gives
// the kind that the exit code is made of (SPEC C14).
type Error struct {
	Code   Code
	Detail string // for a person; may be empty
}

// What errors.Is is asked for.
var (
	ErrNoSuchBucket        = &Error{Code: NoSuchBucket}
	ErrBucketAlreadyExists = &Error{Code: BucketAlreadyExists}
	ErrBucketNotEmpty      = &Error{Code: BucketNotEmpty}
	ErrInvalidBucketName   = &Error{Code: InvalidBucketName}
	ErrNoSuchKey           = &Error{Code: NoSuchKey}
	ErrNoSuchPrefix        = &Error{Code: NoSuchPrefix}
	ErrInvalidKey          = &Error{Code: InvalidKey}
	ErrKeyTooLong          = &Error{Code: KeyTooLong}
	ErrNoSuchUpload        = &Error{Code: NoSuchUpload}
	ErrInvalidPart         = &Error{Code: InvalidPart}
	ErrInvalidPartOrder    = &Error{Code: InvalidPartOrder}
	ErrEntityTooSmall      = &Error{Code: EntityTooSmall}
	ErrPreconditionFailed  = &Error{Code: PreconditionFailed}
	ErrQuotaExceeded       = &Error{Code: QuotaExceeded}
	ErrIncompleteBody      = &Error{Code: IncompleteBody}
	ErrInvalidRange        = &Error{Code: InvalidRange}
	ErrCondemned           = &Error{Code: Condemned}
	ErrTooFast             = &Error{Code: TooFast}
)

// Refuse makes an Error. Implementations of Index and Blobs use it too.
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Error is the detail, or the code where there is none.
func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Code)
	}
	return e.Detail
}

// Is matches any Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// As gives the refusal as a *fault.Error, so that fault.As finds its kind.
func (e *Error) As(target any) bool {
	t, ok := target.(**fault.Error)
	if !ok {
		return false
	}
	*t = &fault.Error{Kind: e.kind(), Message: e.Error(), Hint: e.hint(), Err: e}
	return true
}

func (e *Error) kind() fault.Kind {
	switch e.Code {
	case NoSuchBucket, NoSuchKey, NoSuchPrefix, NoSuchUpload:
		return fault.NotFound
	case BucketAlreadyExists, BucketNotEmpty, PreconditionFailed:
		return fault.Conflict
	case QuotaExceeded:
		return fault.Quota
	case InvalidBucketName, InvalidKey, KeyTooLong, InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRange:
		return fault.Usage
	case Condemned, TooFast:
		return fault.Unreachable
	default:
		return fault.Failure
	}
}

func (e *Error) hint() string {
	switch e.Code {
	case QuotaExceeded:
		return "delete something, or raise the limit that is named"
	case BucketNotEmpty:
		return "delete its objects first"
	case Condemned, TooFast:
		return "send it again"
	default:
		return ""
	}
}
