package unions

// bases are one object of each built-in kind that can be created and changed, with as few
// fields as the API server accepts. Of the kinds with a pod template, only Deployments have
// their template walked.
var bases = map[string]string{
	"ConfigMap":                        "{apiVersion: v1, kind: ConfigMap}",
	"Endpoints":                        "{apiVersion: v1, kind: Endpoints, subsets: [{addresses: [{ip: 10.9.9.9}], ports: [{port: 80}]}]}",
	"LimitRange":                       "{apiVersion: v1, kind: LimitRange, spec: {limits: [{type: Container}]}}",
	"Namespace":                        "{apiVersion: v1, kind: Namespace}",
	"PersistentVolume":                 "{apiVersion: v1, kind: PersistentVolume, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}}",
	"PersistentVolumeClaim":            "{apiVersion: v1, kind: PersistentVolumeClaim, spec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
	"ReplicationController":            "{apiVersion: v1, kind: ReplicationController, spec: {replicas: 0, selector: {a: b}, template: TEMPLATE}}",
	"ResourceQuota":                    "{apiVersion: v1, kind: ResourceQuota, spec: {hard: {count/none.example.org: '1'}}}",
	"Secret":                           "{apiVersion: v1, kind: Secret}",
	"Service":                          "{apiVersion: v1, kind: Service, spec: {selector: {a: b}, ports: [{port: 80}]}}",
	"ServiceAccount":                   "{apiVersion: v1, kind: ServiceAccount}",
	"DaemonSet":                        "{apiVersion: apps/v1, kind: DaemonSet, spec: {selector: {matchLabels: {a: b}}, template: TEMPLATE}}",
	"Deployment":                       "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: TEMPLATE}}",
	"ReplicaSet":                       "{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: TEMPLATE}}",
	"StatefulSet":                      "{apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 0, serviceName: s, selector: {matchLabels: {a: b}}, template: TEMPLATE}}",
	"HorizontalPodAutoscaler":          "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}}}",
	"CronJob":                          "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '0 0 1 1 *', jobTemplate: {spec: {template: ONCE}}}}",
	"Job":                              "{apiVersion: batch/v1, kind: Job, spec: {suspend: true, template: ONCE}}",
	"Lease":                            "{apiVersion: coordination.k8s.io/v1, kind: Lease}",
	"EndpointSlice":                    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: [10.9.9.9]}]}",
	"FlowSchema":                       "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema, spec: {priorityLevelConfiguration: {name: exempt}, rules: [{subjects: [{kind: User, user: {name: nobody}}], nonResourceRules: [{verbs: [get], nonResourceURLs: [/x]}]}]}}",
	"PriorityLevelConfiguration":       "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, spec: {type: Limited, limited: {nominalConcurrencyShares: 1, limitResponse: {type: Reject}}}}",
	"Ingress":                          "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}",
	"IngressClass":                     "{apiVersion: networking.k8s.io/v1, kind: IngressClass, spec: {controller: example.org/none}}",
	"NetworkPolicy":                    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {podSelector: {}}}",
	"RuntimeClass":                     "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, handler: none}",
	"PodDisruptionBudget":              "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {selector: {matchLabels: {app: none}}}}",
	"ClusterRole":                      "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole}",
	"ClusterRoleBinding":               "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: User, name: nobody}]}",
	"Role":                             "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role}",
	"RoleBinding":                      "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: User, name: nobody}]}",
	"DeviceClass":                      "{apiVersion: resource.k8s.io/v1, kind: DeviceClass, spec: {}}",
	"ResourceClaim":                    "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, spec: {devices: {requests: [{name: a, exactly: {deviceClassName: a.example.org}}]}}}",
	"ResourceClaimTemplate":            "{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: a.example.org}}]}}}}",
	"PriorityClass":                    "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, value: 1}",
	"CSIDriver":                        "{apiVersion: storage.k8s.io/v1, kind: CSIDriver, spec: {}}",
	"CSIStorageCapacity":               "{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacity, storageClassName: none}",
	"StorageClass":                     "{apiVersion: storage.k8s.io/v1, kind: StorageClass, provisioner: example.org/none}",
	"VolumeAttributesClass":            "{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, driverName: a.example.org, parameters: {a: b}}",
	"MutatingAdmissionPolicyBinding":   "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, spec: {policyName: none}}",
	"MutatingAdmissionPolicy":          "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, spec: {reinvocationPolicy: Never, MATCH, mutations: [{patchType: JSONPatch, jsonPatch: {expression: JSONPATCH}}]}}",
	"MutatingWebhookConfiguration":     "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, webhooks: [HOOK]}",
	"ValidatingAdmissionPolicy":        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, spec: {MATCH, validations: [{expression: 'true'}]}}",
	"ValidatingAdmissionPolicyBinding": "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, spec: {policyName: none, validationActions: [Deny]}}",
	"ValidatingWebhookConfiguration":   "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, webhooks: [HOOK]}",
}

// parts are filled into bases.
var parts = map[string]string{
	"TEMPLATE":  "{metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'registry.example/web:1'}]}}",
	"ONCE":      "{spec: {restartPolicy: Never, containers: [{name: c, image: 'registry.example/web:1'}]}}",
	"JSONPATCH": `'[JSONPatch{op: "test", path: "/a", value: "b"}]'`,
	"MATCH":     "matchConstraints: {resourceRules: [RULE]}",
	"HOOK":      "{name: a.example.org, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: {url: 'https://a.example.org'}, rules: [RULE]}",
	"RULE":      "{apiGroups: [none.example.org], apiVersions: [v1], operations: [CREATE], resources: [none]}",
}

// untried are the other kinds that the API server can create and change, with the reason
// why each is left out.
var untried = map[string]string{
	"Event":                     "written by programs",
	"Node":                      "made by kubelets",
	"CSINode":                   "made by kubelets",
	"Pod":                       "its spec cannot be changed",
	"PodTemplate":               "used by nobody; its template is that of Deployments",
	"ControllerRevision":        "written by controllers, cannot be changed",
	"CustomResourceDefinition":  "its choices are objects of the schema, see internal/kube",
	"APIService":                "makes the API server ask another",
	"CertificateSigningRequest": "its spec cannot be changed",
	"PodCertificateRequest":     "its spec cannot be changed",
	"ClusterTrustBundle":        "has one way to be written",
	"IPAddress":                 "written by the API server",
	"ServiceCIDR":               "changes which addresses Services have",
	"DeviceTaintRule":           "has one way to be written",
	"ResourceSlice":             "made by drivers",
	"VolumeAttachment":          "written by controllers",
	"StorageVersionMigration":   "runs once, cannot be changed",
}
