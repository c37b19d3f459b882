package bucket

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"s3://backups":                      {"backups", ""},
		"s3://backups/":                     {"backups", ""},
		"s3://my.backups-1/pushboat":        {"my.backups-1", "pushboat"},
		"s3://backups/team_a/Prod/pushboat": {"backups", "team_a/Prod/pushboat"},
	} {
		got, err := ParseAddress(text)
		if err != nil || got != want || got.String() != strings.TrimSuffix(text, "/") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "backups", "s3://", "s3:///x", "s3://b", "s3://Backups", "s3://back_ups", "s3://-backups", "s3://a..b/x", "s3://backups//x", "s3://backups/../x",
		"s3://backups/./x", "s3://backups/a b", "s3://backups/ä", "s3://backups/x?y", "s3://backups/%2e%2e", "https://backups/x", "s3://hunter2:hunter2@backups/x",
		"s3://backups/" + strings.Repeat("x", maxFolder+1),
	} {
		if got, err := ParseAddress(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// TestBucketsHaveAddressesOnTheWeb: a bucket at Amazon has a host of its own, and any other
// bucket is a folder of its host.
func TestBucketsHaveAddressesOnTheWeb(t *testing.T) {
	for _, test := range []struct{ bucket, endpoint, region, want string }{
		{"backups", "", "us-east-1", "https://backups.s3.us-east-1.amazonaws.com"},
		{"backups", "", "cn-north-1", "https://backups.s3.cn-north-1.amazonaws.com.cn"},
		{"my.backups", "", "eu-west-3", "https://s3.eu-west-3.amazonaws.com/my.backups"},
		{"backups", "https://minio.example.org:9000", "us-east-1", "https://minio.example.org:9000/backups"},
		{"backups", "http://127.0.0.1:9000/", "x", "http://127.0.0.1:9000/backups"},
		{"backups", "https://id.example.org/storage/v1/s3", "x", "https://id.example.org/storage/v1/s3/backups"},
	} {
		got, err := baseOf(test.bucket, test.endpoint, test.region)
		if err != nil || got.String() != test.want {
			t.Errorf("%v: %s, %v", test, got.String(), err)
		}
	}
	for _, region := range []string{"", "evil.org/x", "EU", "a b", "eu@evil"} {
		if got, err := baseOf("backups", "", region); err == nil {
			t.Errorf("region %q: %s", region, got.String())
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	for _, text := range []string{"", "minio:9000", "ftp://minio", "https://", "https://minio?x=hunter2", "https://ana:hunter2@minio", "https://minio/a b", "https://minio/../x", "https://minio#hunter2", "%zzhunter2"} {
		if err := CheckEndpoint(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
