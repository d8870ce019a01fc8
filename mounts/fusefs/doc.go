// Package fusefs shows an upper.FS to the kernel through FUSE: every node holds an
// *upper.Node and every handle an *upper.Handle, and nothing else is kept here.
// It imports go-fuse and upper, and knows neither the store nor the mount process.
package fusefs
