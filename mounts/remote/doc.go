// Package remote is what a mount says to the bucket: listings, ranged reads, and
// the changes of the write path, over one S3 client whose keys can be swapped while
// it works. It implements upper.Remote and lower.Source, never retries (the queue above
// does), and imports keyring and internal/ beside upper's types.
package remote
