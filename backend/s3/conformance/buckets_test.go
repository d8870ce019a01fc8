package conformance

import "strings"

var buckets = []behaviour{
	{name: "CreateBucket again by its owner in us-east-1 is 200", differs: "it answers BucketAlreadyOwnedByYou, as S3 does in other regions", test: func(p *probe) {
		p.do("PUT", "").want(200, "")
	}},
	{name: "CreateBucket takes a LocationConstraint", differs: "it refuses an empty LocationConstraint", test: func(p *probe) {
		p.bucket += "-b"
		p.do("PUT", "", `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint></LocationConstraint></CreateBucketConfiguration>`).want(200, "")
	}},
	{name: "CreateBucket refuses a LocationConstraint that is none", test: func(p *probe) {
		p.bucket += "-b"
		p.do("PUT", "", `<CreateBucketConfiguration><LocationConstraint>No such place</LocationConstraint></CreateBucketConfiguration>`).want(400, "InvalidLocationConstraint")
	}},
	{name: "CreateBucket refuses a document that is none", differs: "it does not look at the document's root", test: func(p *probe) {
		p.bucket += "-b"
		p.do("PUT", "", "<Create").want(400, "MalformedXML")
		p.do("PUT", "", "<Delete></Delete>").want(400, "MalformedXML")
	}},
	{name: "CreateBucket refuses names that are none", differs: "it takes two periods in a row", test: func(p *probe) {
		for _, name := range []string{"ab", "Upper", "under_score", "a..b", "-abc", "abc-", "192.168.5.4", strings.Repeat("x", 64)} {
			p.bucket = name
			p.do("PUT", "").want(400, "InvalidBucketName")
		}
	}},
	{name: "CreateBucket refuses names that S3 reserves", differs: "it takes them", test: func(p *probe) {
		for _, name := range []string{"xn--abc", "sthree-abc", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3"} {
			p.bucket = name
			p.do("PUT", "").want(400, "InvalidBucketName")
		}
	}},
	{name: "HeadBucket", test: func(p *probe) {
		p.do("HEAD", "").want(200, "").has("X-Amz-Bucket-Region: us-east-1")
		p.bucket += "-none"
		p.do("HEAD", "").want(404, "").holds("")
	}},
	{name: "GetBucketLocation of us-east-1 is empty", test: func(p *probe) {
		var out struct {
			Text string `xml:",chardata"`
		}
		p.do("GET", "?location").want(200, "").parse(&out)
		if out.Text != "" {
			p.Error(out.Text)
		}
	}},
	{name: "DeleteBucket", test: func(p *probe) {
		p.put("k", "x")
		p.do("DELETE", "").want(409, "BucketNotEmpty")
		p.do("DELETE", "/k").want(204, "")
		p.do("DELETE", "").want(204, "")
		p.do("DELETE", "").want(404, "NoSuchBucket")
		p.do("GET", "").want(404, "NoSuchBucket")
	}},
	{name: "ListBuckets shows a bucket", test: func(p *probe) {
		name := p.bucket
		p.send(p.request("GET", "/")).want(200, "").shows("<Name>"+name+"</Name>", "<CreationDate>", "<Owner><ID>")
	}},
	{name: "ListBuckets by prefix and page", test: func(p *probe) {
		base := p.bucket
		for _, s := range []string{"-a", "-b", "-c"} {
			p.bucket = base + s
			p.do("PUT", "").want(200, "")
		}
		type list struct {
			Buckets           struct{ Bucket []struct{ Name string } }
			ContinuationToken string
		}
		var first, second list
		p.send(p.request("GET", "/?max-buckets=2&prefix="+base+"-")).want(200, "").parse(&first)
		if len(first.Buckets.Bucket) != 2 || first.ContinuationToken == "" {
			p.Fatalf("%+v", first)
		}
		p.send(p.request("GET", "/?max-buckets=2&prefix="+base+"-&continuation-token="+first.ContinuationToken)).want(200, "").parse(&second)
		if len(second.Buckets.Bucket) != 1 || second.Buckets.Bucket[0].Name != base+"-c" || second.ContinuationToken != "" {
			p.Errorf("%+v", second)
		}
		p.send(p.request("GET", "/?max-buckets=0")).want(400, "InvalidArgument")
	}},
	{name: "what a bucket never set", differs: "it answers 501 for what it does not offer", test: func(p *probe) {
		for query, code := range map[string]string{
			"policy": "NoSuchBucketPolicy", "tagging": "NoSuchTagSet", "cors": "NoSuchCORSConfiguration",
			"lifecycle": "NoSuchLifecycleConfiguration", "website": "NoSuchWebsiteConfiguration",
			"object-lock": "ObjectLockConfigurationNotFoundError", "replication": "ReplicationConfigurationNotFoundError",
			"encryption": "ServerSideEncryptionConfigurationNotFoundError", "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
		} {
			p.do("GET", "?"+query).want(404, code)
		}
		for _, query := range []string{"versioning", "notification", "logging", "accelerate", "requestPayment", "acl", "analytics", "inventory", "metrics"} {
			p.do("GET", "?"+query).want(200, "")
		}
	}},
	{name: "deleting what a bucket never set is 204", differs: "it answers 501 for what it does not offer", test: func(p *probe) {
		for _, query := range []string{"policy", "tagging", "cors", "lifecycle", "website", "encryption"} {
			p.do("DELETE", "?"+query).want(204, "")
		}
		p.do("HEAD", "").want(200, "")
	}},
}
