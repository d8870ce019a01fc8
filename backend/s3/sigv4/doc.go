// Package sigv4 reads and checks AWS Signature Version 4 as S3 uses it: in the header, in
// the query of a presigned URL, and chunk by chunk in a streamed body. Its functions are
// pure: no clock, no store, no logging. It imports nothing of this module.
package sigv4
