// Package store keeps buckets, objects and multipart uploads: a Store over two narrow
// interfaces, an Index (what exists, how large, under which quota) and Blobs (the
// immutable bytes). It knows nothing of HTTP or S3 and imports nothing of this module but internal/.
package store
