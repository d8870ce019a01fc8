// Package keyring is where S3 credentials live and how they are found: the
// Secret type that never shows, the Credentials pair, the 0600 file and the chain
// that resolves a pair from the environment and that file (SPEC A13–A18).
// It imports nothing of this module but internal/.
package keyring
