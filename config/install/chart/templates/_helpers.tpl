{{- define "pushboat.selector" -}}
app.kubernetes.io/name: pushboat
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pushboat.labels" -}}
{{ include "pushboat.selector" . }}
pushboat/component: server
{{- end }}

{{- /* The version as a label, on what an upgrade changes in any case. */ -}}
{{- define "pushboat.version" -}}
app.kubernetes.io/version: {{ include "pushboat.tag" . | trunc 63 | trimSuffix "-" | trimSuffix "." | trimSuffix "_" | quote }}
{{- end }}

{{- /* Of what an uninstallation leaves: data, and what the server was given. */ -}}
{{- define "pushboat.keptLabels" -}}
{{ include "pushboat.selector" . }}
pushboat/component: kept
{{- end }}

{{- define "pushboat.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "pushboat.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ include "pushboat.tag" . }}
{{- end -}}
{{- end }}

{{- /* Where servers keep the inventories of apps, and what no app may write to. */ -}}
{{- define "pushboat.namespace" -}}
pushboat-system
{{- end }}

{{- define "pushboat.serviceAccount" -}}
kind: ServiceAccount
name: pushboat
namespace: {{ include "pushboat.namespace" . }}
{{- end }}

{{- /* Whether a second pod stands by. Both have to mount the volume. */ -}}
{{- define "pushboat.standby" -}}
{{- if .Values.standby.enabled -}}
{{- if and (eq .Values.storage.accessMode "ReadWriteOncePod") (not .Values.storage.existingClaim) -}}
{{- fail "standby.enabled: a second pod cannot mount a volume of access mode ReadWriteOncePod; set storage.accessMode to ReadWriteMany, or to ReadWriteOnce for two pods on one node" -}}
{{- end -}}
true
{{- end -}}
{{- end }}

{{- /* Where servers take ssh connections that the other one passes on. */ -}}
{{- define "pushboat.relayPort" -}}
2223
{{- end }}

{{- /* What the server does with the objects of an app. */ -}}
{{- define "pushboat.keep" -}}
[get, list, watch, create, patch, update, delete]
{{- end }}

{{- /* The kinds of apps that rights.deploy: namespaced is about, by API group. */ -}}
{{- define "pushboat.kinds" -}}
- group: ""
  resources: [configmaps, endpoints, limitranges, persistentvolumeclaims, pods, podtemplates, replicationcontrollers, resourcequotas, secrets, serviceaccounts, services]
- group: apps
  resources: [daemonsets, deployments, replicasets, statefulsets]
- group: autoscaling
  resources: [horizontalpodautoscalers]
- group: batch
  resources: [cronjobs, jobs]
- group: discovery.k8s.io
  resources: [endpointslices]
- group: gateway.networking.k8s.io
  resources: [backendtlspolicies, gateways, grpcroutes, httproutes, listenersets, referencegrants, tcproutes, tlsroutes, udproutes]
- group: networking.k8s.io
  resources: [ingresses, networkpolicies]
- group: policy
  resources: [poddisruptionbudgets]
- group: rbac.authorization.k8s.io
  resources: [rolebindings, roles]
{{- end }}
