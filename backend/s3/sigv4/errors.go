package sigv4

import "fmt"

// Error is a refusal with S3's code for it:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
type Error struct {
	Code    string
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
