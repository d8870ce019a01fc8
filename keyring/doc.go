// Package keyring is where S3 credentials live and how they are found: the
// Secret type that never shows, the Credentials pair, the Cache (a 0600 file, or the OS
// keyring with the file pointing to it), profiles and what issues their pairs, and the
// Chain that resolves a pair from all of these (SPEC A10–A18, A41, A42).
// It alone speaks to the OS keyring, and imports nothing of this module but internal/.
package keyring
