package conformance

// What is not offered is refused and never kept silent about.
const offersMore = "versitygw offers it, or ignores the header"

var refusals = []behaviour{
	{name: "headers of what is not offered are 501", differs: offersMore, test: func(p *probe) {
		p.put("k", "x")
		for _, h := range []string{
			"X-Amz-Acl: public-read", "X-Amz-Grant-Read: id=x", "X-Amz-Server-Side-Encryption: AES256", "X-Amz-Server-Side-Encryption: aws:kms",
			"X-Amz-Server-Side-Encryption-Customer-Algorithm: AES256", "X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Legal-Hold: ON",
			"X-Amz-Website-Redirect-Location: /x", "X-Amz-Storage-Class: GLACIER",
		} {
			p.do("PUT", "/new", "x", h).want(501, "NotImplemented")
			p.do("PUT", "/new", "X-Amz-Copy-Source: "+p.bucket+"/k", h).want(501, "NotImplemented")
			p.do("POST", "/new?uploads", h).want(501, "NotImplemented")
		}
		p.do("PUT", "/new", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm: AES256").want(501, "NotImplemented")
		p.do("GET", "/k", "X-Amz-Server-Side-Encryption-Customer-Algorithm: AES256").want(400, "InvalidRequest")
		p.do("GET", "/new").want(404, "NoSuchKey")
		p.bucket += "-b"
		p.do("PUT", "", "X-Amz-Bucket-Object-Lock-Enabled: true").want(501, "NotImplemented")
		p.do("PUT", "", "X-Amz-Acl: public-read").want(501, "NotImplemented")
		p.do("PUT", "", "X-Amz-Object-Ownership: ObjectWriter").want(501, "NotImplemented")
		p.do("HEAD", "").want(404, "")
	}},
	{name: "values that S3 does not know", differs: "it ignores the storage class", test: func(p *probe) {
		p.do("PUT", "/k", "x", "X-Amz-Storage-Class: WOODEN").want(400, "InvalidStorageClass")
	}},
	{name: "a canned ACL is S3's", differs: "it ignores object ACLs", test: func(p *probe) {
		p.do("PUT", "/k", "x", "X-Amz-Acl: everybody").want(400, "InvalidArgument")
	}},
	{name: "headers that ask for what is so anyway", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Acl: private")
		p.put("k", "x", "X-Amz-Acl: bucket-owner-full-control")
		p.put("k", "x", "X-Amz-Storage-Class: STANDARD")
		p.put("k", "x", "X-Amz-Request-Payer: requester")
	}},
	{name: "PutObjectAcl takes what is so anyway", differs: "it does not offer object ACLs", test: func(p *probe) {
		p.put("k", "x")
		p.do("PUT", "/k?acl", "X-Amz-Acl: private").want(200, "")
		p.do("PUT", "/k?acl", "X-Amz-Acl: public-read").want(501, "NotImplemented")
		p.do("PUT", "/none?acl", "X-Amz-Acl: private").want(404, "NoSuchKey")
	}},
	{name: "settings that are not offered are 501", differs: offersMore, test: func(p *probe) {
		p.put("k", "x")
		for _, query := range []string{
			"acl", "policy", "versioning", "encryption", "object-lock", "lifecycle", "cors", "website", "tagging", "replication", "logging",
			"notification", "requestPayment", "accelerate", "publicAccessBlock", "ownershipControls", "intelligent-tiering&id=x",
			"inventory&id=x", "metrics&id=x", "analytics&id=x",
		} {
			p.do("PUT", "?"+query, "<X></X>").want(501, "NotImplemented")
		}
		for _, query := range []string{"acl", "legal-hold", "retention", "encryption", "renameObject"} {
			p.do("PUT", "/k?"+query, "<X></X>").want(501, "NotImplemented")
		}
		p.do("POST", "/k?select&select-type=2", "<X></X>").want(501, "NotImplemented")
		p.do("POST", "/k?restore", "<X></X>").want(501, "NotImplemented")
		p.do("GET", "/k?torrent").want(501, "NotImplemented")
		p.do("GET", "/k").want(200, "").holds("x")
	}},
}
