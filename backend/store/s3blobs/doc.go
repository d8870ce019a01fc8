// Package s3blobs is store.Blobs in a bucket of an S3 store, one immutable object a blob.
// Any number of processes may have the same bucket and prefix open. It imports store's
// interfaces and internal/, nothing else of this module.
package s3blobs
