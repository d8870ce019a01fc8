// Package engines opens a store on the engines that its configuration names: an index in a
// bbolt file or a PostgreSQL database, blobs in a folder or an S3 bucket, in any combination.
package engines
