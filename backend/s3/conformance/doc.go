// Package conformance holds this module's S3 to S3's own behaviour, one test a behaviour. The
// same tests run against versitygw, another implementation, so that a test which only
// repeats a mistake of ours is seen. It has tests alone.
package conformance
