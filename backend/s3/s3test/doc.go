// Package s3test runs the real store and API on a loopback port for the tests of other
// packages, with a log of requests and faults to inject. It is imported by tests only.
package s3test
