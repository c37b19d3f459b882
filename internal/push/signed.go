package push

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/signature"
)

// What has to be signed are all commits that a push brings to a branch, by whichever
// parent, but for those that are on another branch that is under the same entries of
// requireSigned: these were judged by them before, or were there before the rule.

// Limits of signed pushes.
const (
	maxSigned   = 5000 // commits of one ref
	maxUnsigned = 10   // commits that a refusal names
	maxSubject  = 50   // bytes of a commit's subject there
)

// signedRef is a ref of the push whose new commits are all signed.
type signedRef struct {
	update  hook.RefUpdate
	under   []*rules.Signing
	commits int
	signers record.Signers
}

// judgeSigned refuses a branch to which the push brings commits without the signature that
// the rules ask for.
func (p *push) judgeSigned(ctx context.Context, update hook.RefUpdate, q git.Quarantine) manifest.Problems {
	branch, ok := name.BranchOf(update.Ref)
	if !ok || update.Deletes() {
		return nil
	}
	now := p.door.Rules.Current()
	under := now.Signings(p.repo.Name(), branch)
	if len(under) == 0 {
		return nil
	}
	signed, problems := p.verify(ctx, update, now, q)
	if len(problems) == 0 {
		signed.update, signed.under = update, under
		p.signed = append(p.signed, signed)
	}
	return problems
}

// signedStill judges the commits again, by rules that may ask for other signatures than when
// they were judged, or know other keys.
func (p *push) signedStill(ctx context.Context, updates []hook.RefUpdate, q git.Quarantine) manifest.Problems {
	p.signed = nil
	var problems manifest.Problems
	for _, update := range updates {
		problems = append(problems, p.judgeSigned(ctx, update, q)...)
	}
	return problems
}

// verify verifies the commits that an update brings to its branch.
func (p *push) verify(ctx context.Context, update hook.RefUpdate, now *rules.Rules, q git.Quarantine) (signedRef, manifest.Problems) {
	failed := func(err error) (signedRef, manifest.Problems) {
		return signedRef{}, manifest.Problems{{Message: "the signatures cannot be verified: " + err.Error(), Hint: "push again"}}
	}
	known, err := p.alreadyJudged(ctx, update, now)
	if err != nil {
		return failed(err)
	}
	commits, err := p.repo.NewCommits(ctx, update.New, known, q, maxSigned+1)
	if err != nil {
		return failed(err)
	}
	branch, _ := name.BranchOf(update.Ref)
	if len(commits) > maxSigned {
		return signedRef{}, manifest.Problems{{
			Message: fmt.Sprintf("branch %q: more than %d commits at once have to be signed", branch, maxSigned),
			Hint:    "push in parts, oldest first: git push origin COMMIT:" + update.Ref,
		}}
	}
	read, err := p.repo.RawCommits(q)
	if err != nil {
		return failed(err)
	}
	keys := signature.Keys{SSH: p.signingKey(now), PGP: now.PGP()}
	verdicts, err := signature.VerifyAll(ctx, len(commits), func(i int) ([]byte, error) { return read(commits[i]) }, keys, time.Now())
	if err != nil {
		return failed(err)
	}
	under := now.Signings(p.repo.Name(), branch)
	for i := range verdicts {
		if verdicts[i].Err == nil {
			verdicts[i].Err = p.counts(verdicts[i].Signer, under)
		}
	}
	if slices.ContainsFunc(verdicts, func(v signature.Verdict) bool { return v.Err != nil }) {
		return signedRef{}, manifest.Problems{p.unsigned(update, commits, verdicts, q)}
	}
	return signedRef{commits: len(commits), signers: signersOf(verdicts)}, nil
}

// alreadyJudged returns where the branches are whose commits were judged by what the
// update's branch is under.
func (p *push) alreadyJudged(ctx context.Context, update hook.RefUpdate, now *rules.Rules) ([]git.Hash, error) {
	refs, err := p.repo.Refs(ctx, name.BranchPrefix)
	if err != nil {
		return nil, err
	}
	var known []git.Hash
	if !update.Creates() {
		known = append(known, update.Old)
	}
	to, _ := name.BranchOf(update.Ref)
	for _, ref := range refs {
		if from, ok := name.BranchOf(ref.Name); ok && now.SignedAlike(p.repo.Name(), from, to) {
			known = append(known, ref.Hash)
		}
	}
	return known, nil
}

// signingKey returns the function that says whose key it is. The rules say so; on the
// rules themselves, admins of the key files sign as well, which is the way back into a
// server whose rules went wrong.
func (p *push) signingKey(now *rules.Rules) func(ssh.PublicKey) (access.Operator, bool) {
	return func(key ssh.PublicKey) (access.Operator, bool) {
		operator, known := now.Lookup(key)
		if known && !operator.HasExpired(time.Now()) {
			return operator, true
		}
		if owner, ok := p.owner(ssh.FingerprintSHA256(key)); ok {
			return owner, true
		}
		return operator, known
	}
}

// counts says why a good signature is not one of those that the rules ask for.
func (p *push) counts(signer signature.Signer, under []*rules.Signing) error {
	for _, s := range under {
		if s.Counts(signer.Operator) {
			continue
		}
		if _, owner := p.owner(signer.Key); !owner {
			return fmt.Errorf("is signed by %s, and not by %s", signer.Operator, s.Whose())
		}
	}
	return nil
}

// owner returns the admin of the key files whose key it is. They count on the rules alone.
func (p *push) owner(fingerprint string) (access.Operator, bool) {
	if p.repo.Name() != access.AdminRepo {
		return access.Operator{}, false
	}
	owners := p.door.KeyFiles().Operators()
	i := slices.IndexFunc(owners, func(o access.Operator) bool {
		return o.Fingerprint == fingerprint && o.Role == access.RoleAdmin && o.Repos == ""
	})
	if i < 0 {
		return access.Operator{}, false
	}
	return owners[i], true
}

// signersOf sums up who signed, by name and key.
func signersOf(verdicts []signature.Verdict) record.Signers {
	counted := map[signature.Signer]int{}
	for _, v := range verdicts {
		counted[v.Signer]++
	}
	var signers record.Signers
	for signer, n := range counted {
		signers = append(signers, record.Signer{Operator: signer.Operator, Key: signer.Key, Commits: n})
	}
	slices.SortFunc(signers, func(a, b record.Signer) int { return strings.Compare(a.Operator+" "+a.Key, b.Operator+" "+b.Key) })
	return signers
}

// unsigned is the refusal of commits that are not signed as they have to be, oldest first.
func (p *push) unsigned(update hook.RefUpdate, commits []git.Hash, verdicts []signature.Verdict, q git.Quarantine) manifest.Problem {
	branch, _ := name.BranchOf(update.Ref)
	var lines []string
	bad, oldest := 0, len(verdicts)
	for i, verdict := range slices.Backward(verdicts) {
		if verdict.Err == nil {
			continue
		}
		if bad++; bad == 1 {
			oldest = i
		}
		if bad <= maxUnsigned {
			lines = append(lines, p.subject(commits[i], q)+" "+verdict.Err.Error())
		}
	}
	if bad > maxUnsigned {
		lines = append(lines, fmt.Sprintf("and %d more", bad-maxUnsigned))
	}
	message := fmt.Sprintf("branch %q takes only signed commits, and %d of %s cannot be accepted:\n", branch, bad, manifest.Plural(len(commits), "new commit"))
	return manifest.Problem{
		Message: message + strings.Join(lines, "\n"),
		Hint: "sign them with a key that this server knows, and push again:\n" +
			"git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub\n" +
			"git rebase --exec 'git commit --amend --no-edit -S' " + p.base(commits[oldest], q),
	}
}

// subject names a commit for people.
func (p *push) subject(hash git.Hash, q git.Quarantine) string {
	commit, err := p.repo.QuarantinedCommit(hash, q)
	subject := commit.Subject()
	if err != nil || subject == "" {
		return hash.Short()
	}
	if len(subject) > maxSubject {
		subject = strings.ToValidUTF8(subject[:maxSubject], "") + "..."
	}
	return hash.Short() + " (" + subject + ")"
}

// base is the commit onto which the commits from one on are rebased, as git rebase names it.
func (p *push) base(oldest git.Hash, q git.Quarantine) string {
	commit, err := p.repo.QuarantinedCommit(oldest, q)
	if err != nil || len(commit.Parents) == 0 {
		return "--root"
	}
	return commit.Parents[0].Short()
}

// printSigned says who signed the new commits of the push's branches.
func (p *push) printSigned(out io.Writer) {
	for _, s := range p.signed {
		if s.commits > 0 {
			branch, _ := name.BranchOf(s.update.Ref)
			fmt.Fprintf(out, "%s: %s signed by %s\n", manifest.Clean(string(branch)), manifest.Plural(s.commits, "commit"), s.signers)
		}
	}
}

// noteSigners tells the proposals who signed, for the records of their deploys.
func (p *push) noteSigners() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ref, proposed := range p.proposals {
		proposed.proposal.Signed = record.Signed{Commits: p.signersAt(ref), Push: p.certified.by}
	}
}

// signersAt returns who signed the new commits of a ref; nil if no rule asks for that.
func (p *push) signersAt(ref string) record.Signers {
	for _, s := range p.signed {
		if s.update.Ref == ref {
			return s.signers
		}
	}
	return nil
}
