package store

import (
	"net"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Names of buckets are S3's, 3 to 63 of a-z, 0-9, "." and "-"; those that begin with
// "_" belong to the coordinator (SPEC B14).
var bucketName = regexp.MustCompile(`^(_[a-z0-9._-]{1,62}|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$`)

// SystemBucket holds the coordinator's control state and is never written by a
// client, whatever its role (SPEC B14, B15). It alone is exempt from quotas: a full
// store must still be able to record a deletion.
const SystemBucket = "_tunnelmesh"

// Reserved reports whether the bucket is one of the coordinator's own (SPEC B14).
func Reserved(bucket string) bool { return strings.HasPrefix(bucket, "_") }

// Beginnings and ends that S3 keeps for itself.
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// CheckBucketName refuses what is no bucket's name:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func CheckBucketName(name string) error {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") {
		return Refuse(InvalidBucketName, "%q is not a valid bucket name: use 3 to 63 of a-z, 0-9, . and -", name)
	}
	if ip := net.ParseIP(name); ip != nil {
		return Refuse(InvalidBucketName, "%q is not a valid bucket name: it is an IP address", name)
	}
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p) {
			return Refuse(InvalidBucketName, "%q is not a valid bucket name: names do not begin with %s", name, p)
		}
	}
	for _, s := range reservedSuffixes {
		if strings.HasSuffix(name, s) {
			return Refuse(InvalidBucketName, "%q is not a valid bucket name: names do not end in %s", name, s)
		}
	}
	return nil
}

// checkKey allows anything S3 does but NUL: keys never become paths (SPEC B13).
func checkKey(key string) error {
	switch {
	case key == "":
		return Refuse(InvalidKey, "a key cannot be empty")
	case len(key) > MaxKey:
		return Refuse(KeyTooLong, "the key is %d bytes long, more than %d", len(key), MaxKey)
	case !utf8.ValidString(key):
		return Refuse(InvalidKey, "the key is not UTF-8")
	case strings.IndexByte(key, 0) >= 0:
		return Refuse(InvalidKey, "the key holds a NUL")
	}
	return nil
}
