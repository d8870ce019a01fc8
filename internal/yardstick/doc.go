//go:build linux

// Command yardstick measures the coordinator's S3 store beside servers that are in use,
// on the same disk and with the same client, and our mount beside others on one store:
//
//	go run ./internal/yardstick store [-rounds 3] [-quick] [-write docs/benchmarks.md]
//	go run ./internal/yardstick mount [-rounds 3] [-scale 1] [-rows tar,ls] [-peers s3fs] [-write docs/benchmarks.md]
//	go run ./internal/yardstick scale [-objects 1000000] [-quick] [-write docs/benchmarks.md]
//	go run ./internal/yardstick cluster [-objects 1000000] [-quick] [-write docs/benchmarks.md]
//
// store starts versitygw, rclone and minio where they are found in ARTIFACTS_TEST_TOOLS,
// bin/tools or PATH; scale measures the coordinator alone, over a million objects, and
// cluster three of them over PostgreSQL and versitygw beside one. It is
// imported by nothing; of this module it imports backend/store to fill a store, and mounts.
package main
