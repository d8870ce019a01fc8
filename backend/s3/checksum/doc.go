// Package checksum is S3's additional checksums: their names, how they are computed, and
// how those of parts become that of an object. It imports nothing of this module.
package checksum
