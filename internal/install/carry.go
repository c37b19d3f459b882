package install

import (
	"context"
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// carryOut applies and deletes the objects in a plan, and writes a line for each. If
// anything changes, it also applies the unchanged objects, since another manager may
// own their fields.
func carryOut(ctx context.Context, cluster *kube.Cluster, p *plan.Plan, out io.Writer) error {
	if p.Empty() {
		return nil
	}
	for _, step := range p.Steps {
		applied, err := cluster.Apply(ctx, step.Kind, step.Object.Unstructured, kube.ApplyOptions{})
		if err == nil {
			_, err = cluster.Succeed(ctx, step.Kind, applied)
		}
		if err != nil {
			return stopped(ctx, cluster, step, err)
		}
		if step.Action != record.Unchanged {
			progress(out, string(step.Action), step.ID.String())
		}
	}
	return remove(ctx, cluster, p.Prune, out)
}

// remove deletes objects, and writes a line for each.
func remove(ctx context.Context, cluster *kube.Cluster, steps []plan.Step, out io.Writer) error {
	for _, step := range steps {
		err := cluster.Delete(ctx, step.Kind, step.ID.Namespace, step.ID.Name, kube.DeleteOptions{})
		if err != nil && !kube.IsNotFound(err) {
			return fmt.Errorf("delete %s: %w", step.ID, err)
		}
		progress(out, string(record.Delete), step.ID.String())
	}
	return nil
}

// stopped says at which object the installation ended, why, and what to do.
func stopped(ctx context.Context, cluster *kube.Cluster, step plan.Step, err error) error {
	text := err.Error()
	if problems := cluster.Explain(ctx, step.Object, err); len(problems) > 0 {
		text = problems[0].Message
	}
	return report.WithHint(fmt.Errorf("%s: %s", step.ID, text), "the objects before it are applied; run the same command again to go on")
}

// progress writes a line about an object, as deploys do.
func progress(out io.Writer, what, about string) {
	fmt.Fprintln(out, manifest.Clean(fmt.Sprintf("  %-11s %s", what, about)))
}
