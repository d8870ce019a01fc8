// Package dir is store.Blobs in a folder of a local file system, one immutable file a
// blob. It imports store's interfaces, nothing else of this module.
package dir
