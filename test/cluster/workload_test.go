package cluster

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const image = "registry.example/web:1.5"

// failAs returns the annotation of docs/devcluster.md that makes pods fail; delayBy returns the
// one that delays them.
func failAs(word string) map[string]string {
	return map[string]string{"devcluster.pushboat.io/pod": word}
}

func delayBy(d string) map[string]string {
	return map[string]string{"devcluster.pushboat.io/delay": d}
}

// template is a pod template with one container, web, and the label app.
func template(app string, annotations map[string]string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: image}}},
	}
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// deploy makes a Deployment.
func (s *space) deploy(t *testing.T, name string, annotations map[string]string) {
	t.Helper()
	_, err := s.client.AppsV1().Deployments(s.name).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: named(name),
		Spec:       appsv1.DeploymentSpec{Selector: selector(name), Template: template(name, annotations)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// run makes a Job that is not retried.
func (s *space) run(t *testing.T, name string, annotations map[string]string) {
	t.Helper()
	job := &batchv1.Job{
		ObjectMeta: named(name),
		Spec:       batchv1.JobSpec{BackoffLimit: new(int32), Template: template(name, annotations)},
	}
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	if _, err := s.client.BatchV1().Jobs(s.name).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// list lists the objects of a resource in the space; name "" means all.
func (s *space) list(client rest.Interface, resource, name string) *cache.ListWatch {
	only := fields.Everything()
	if name != "" {
		only = fields.OneTermEqualSelector("metadata.name", name)
	}
	return cache.NewListWatchFromClient(client, resource, s.name, only)
}

func (s *space) awaitAvailable(t *testing.T, name string) {
	t.Helper()
	await(t, s.list(s.client.AppsV1().RESTClient(), "deployments", name), &appsv1.Deployment{}, available)
}

func (s *space) pods() *cache.ListWatch { return s.list(s.client.CoreV1().RESTClient(), "pods", "") }

func available(d *appsv1.Deployment) bool {
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentAvailable {
			return condition.Status == corev1.ConditionTrue && d.Status.ObservedGeneration == d.Generation
		}
	}
	return false
}

func jobIs(kind batchv1.JobConditionType) func(*batchv1.Job) bool {
	return func(j *batchv1.Job) bool {
		for _, condition := range j.Status.Conditions {
			if condition.Type == kind {
				return condition.Status == corev1.ConditionTrue
			}
		}
		return false
	}
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return corev1.PodCondition{}
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.deploy(t, "web", nil)
	s.awaitAvailable(t, "web")
}

func TestDaemonSet(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	_, err := s.client.AppsV1().DaemonSets(s.name).Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: named("agent"),
		Spec:       appsv1.DaemonSetSpec{Selector: selector("agent"), Template: template("agent", nil)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, s.list(s.client.AppsV1().RESTClient(), "daemonsets", "agent"), &appsv1.DaemonSet{},
		func(d *appsv1.DaemonSet) bool {
			return d.Status.DesiredNumberScheduled > 1 && d.Status.NumberAvailable == d.Status.DesiredNumberScheduled
		})
}

func TestStatefulSetWithVolumes(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	_, err := s.client.AppsV1().StatefulSets(s.name).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: named("db"),
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(2)), ServiceName: "db", Selector: selector("db"), Template: template("db", nil),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: named("data"),
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources: corev1.VolumeResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
					},
				},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, s.list(s.client.AppsV1().RESTClient(), "statefulsets", "db"), &appsv1.StatefulSet{},
		func(set *appsv1.StatefulSet) bool { return set.Status.AvailableReplicas == 2 })
	await(t, s.list(s.client.CoreV1().RESTClient(), "persistentvolumeclaims", "data-db-1"), &corev1.PersistentVolumeClaim{},
		func(claim *corev1.PersistentVolumeClaim) bool { return claim.Status.Phase == corev1.ClaimBound })
}

func TestJobs(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.run(t, "works", nil)
	s.run(t, "fails", failAs("job-fail"))
	jobs := s.client.BatchV1().RESTClient()
	await(t, s.list(jobs, "jobs", "works"), &batchv1.Job{}, jobIs(batchv1.JobComplete))
	await(t, s.list(jobs, "jobs", "fails"), &batchv1.Job{}, jobIs(batchv1.JobFailed))
	pod := await(t, s.pods(), &corev1.Pod{}, func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodFailed })
	ended := pod.Status.ContainerStatuses[0].State.Terminated
	if ended == nil || ended.ExitCode != 1 || ended.Reason != "Error" {
		t.Errorf("the container of the failed pod ended as %+v, want exit code 1 for Error", ended)
	}
}

func TestAddressesFromOutside(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	_, err := s.client.CoreV1().Services(s.name).Create(t.Context(), &corev1.Service{
		ObjectMeta: named("web"),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	backend := &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}
	_, err = s.client.NetworkingV1().Ingresses(s.name).Create(t.Context(), &networkingv1.Ingress{
		ObjectMeta: named("web"),
		Spec:       networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{Service: backend}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, s.list(s.client.CoreV1().RESTClient(), "services", "web"), &corev1.Service{},
		func(service *corev1.Service) bool { return len(service.Status.LoadBalancer.Ingress) == 1 })
	await(t, s.list(s.client.NetworkingV1().RESTClient(), "ingresses", "web"), &networkingv1.Ingress{},
		func(ingress *networkingv1.Ingress) bool { return len(ingress.Status.LoadBalancer.Ingress) == 1 })
}

func TestPodsThatFail(t *testing.T) {
	t.Parallel()
	for word, failed := range map[string]func(*corev1.Pod, corev1.ContainerStatus) bool{
		"image-pull-error": func(p *corev1.Pod, c corev1.ContainerStatus) bool {
			return p.Status.Phase == corev1.PodPending && c.State.Waiting != nil &&
				c.State.Waiting.Reason == "ImagePullBackOff" &&
				strings.HasPrefix(c.State.Waiting.Message, `Back-off pulling image "`+image+`"`) &&
				strings.HasSuffix(c.State.Waiting.Message, image+": not found")
		},
		"crash-loop": func(p *corev1.Pod, c corev1.ContainerStatus) bool {
			last := c.LastTerminationState.Terminated
			return p.Status.Phase == corev1.PodRunning && c.State.Waiting != nil &&
				c.State.Waiting.Reason == "CrashLoopBackOff" &&
				strings.Contains(c.State.Waiting.Message, "container=web pod="+p.Name+"_"+p.Namespace) &&
				c.RestartCount > 0 && last != nil && last.ExitCode == 1 && last.Reason == "Error"
		},
		"never-ready": func(p *corev1.Pod, c corev1.ContainerStatus) bool {
			return p.Status.Phase == corev1.PodRunning && c.State.Running != nil && !c.Ready
		},
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t)
			s.deploy(t, "web", failAs(word))
			pod := await(t, s.pods(), &corev1.Pod{}, func(p *corev1.Pod) bool {
				return len(p.Status.ContainerStatuses) == 1 && failed(p, p.Status.ContainerStatuses[0])
			})
			ready := podCondition(pod, corev1.PodReady)
			if ready.Status != corev1.ConditionFalse || ready.Reason != "ContainersNotReady" ||
				ready.Message != "containers with unready status: [web]" {
				t.Errorf("condition Ready is %+v, want False for ContainersNotReady", ready)
			}
		})
	}
}

func TestPodsThatAreSlow(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.deploy(t, "web", delayBy("3s"))
	pod := await(t, s.pods(), &corev1.Pod{}, func(p *corev1.Pod) bool {
		return podCondition(p, corev1.PodReady).Status == corev1.ConditionTrue
	})
	scheduled := podCondition(pod, corev1.PodScheduled).LastTransitionTime
	// Times in conditions are truncated to whole seconds, so that 3 s may show as 2.
	if took := podCondition(pod, corev1.PodReady).LastTransitionTime.Sub(scheduled.Time); took < 2*time.Second {
		t.Errorf("the pod was ready %s after it was scheduled, want 3 s", took)
	}
}
