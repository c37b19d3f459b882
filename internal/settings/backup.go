package settings

import (
	"errors"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// check notes mistakes in the settings of backups to a bucket.
func (b Backup) check(p *problems) {
	if b.Endpoint != "" {
		p.add("backup.endpoint", bucket.CheckEndpoint(b.Endpoint))
	}
	p.add("backup.region", bucket.CheckRegion(b.Region))
	_, err := backup.ParseRecipients(b.Recipients)
	p.add("backup.recipients", err)
	_, err = appfile.ParseSchedule(b.Schedule)
	p.when(err != nil, "backup.schedule", "it is no schedule; write \"0 2 * * *\", @daily or \"@every 6h\"")
	p.when(b.KeepDays > maxKeepDays, "backup.keepDays", "%d is more than %d", b.KeepDays, maxKeepDays)
	if b.Bucket == "" {
		b.checkUnused(p)
		return
	}
	_, err = bucket.ParseAddress(b.Bucket)
	p.add("backup.bucket", err)
	if len(b.Recipients) == 0 && !p.has("backup.recipients") {
		p.incomplete("backup.bucket", "backup.recipients is missing: a backup has the server's private keys; give public keys to encrypt it for, as age-keygen prints one")
	}
}

// checkUnused notes settings that need a bucket.
func (b Backup) checkUnused(p *problems) {
	for _, of := range []struct {
		name  string
		given bool
	}{{"backup.endpoint", b.Endpoint != ""}, {"backup.credentials", b.Credentials != ""}, {"backup.recipients", len(b.Recipients) > 0}} {
		if of.given && !p.has("backup.bucket") {
			p.incomplete(of.name, of.name+": there is no backup.bucket that it is for")
		}
	}
}

// maxKeepDays are 270 years, which a time.Duration has room for.
const maxKeepDays = 100_000

// KeepFor is how long each backup is kept.
func (b Backup) KeepFor() time.Duration { return time.Duration(b.KeepDays) * 24 * time.Hour }

// errNoKeys is of a bucket that nobody can use.
var errNoKeys = errors.New("there are no keys for the bucket: give a file with KEY:SECRET, " +
	"or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")

// Keys reads the keys for the bucket, of the file or the environment. Its errors repeat
// nothing of them.
func (b Backup) Keys() (bucket.Keys, error) {
	if b.Credentials != "" {
		return bucket.ReadKeys(b.Credentials)
	}
	keys := bucket.Keys{}
	for name, into := range map[string]*string{
		"AWS_ACCESS_KEY_ID": &keys.ID, "AWS_SECRET_ACCESS_KEY": &keys.Secret, "AWS_SESSION_TOKEN": &keys.Token,
	} {
		*into, _ = processEnvironment.lookup(name)
	}
	if keys.ID == "" || keys.Secret == "" {
		return keys, errNoKeys
	}
	return keys, nil
}
