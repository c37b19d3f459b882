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

{{- /* The settings of the server: the chart's, and over them those of the values. */ -}}
{{- define "pushboat.settings" -}}
{{- $http := dict "address" ":8080" -}}
{{- if include "pushboat.page" . -}}
  {{- $_ := set $http "advertise" .Values.http.advertise -}}
  {{- if .Values.http.tlsSecret -}}
    {{- $_ := set $http "certificate" "/etc/pushboat/tls/tls.crt" -}}
    {{- $_ := set $http "key" "/etc/pushboat/tls/tls.key" -}}
  {{- else -}}
    {{- $_ := set $http "proxy" "tls" -}}
  {{- end -}}
{{- end -}}
{{- $own := dict
  "data" "/data/pushboat"
  "ssh" (dict "address" ":2222")
  "http" $http
  "keys" (dict "file" "/etc/pushboat/keys/operators")
  "render" (dict "maxMemory" "2Gi")
  "log" (dict "format" "json") -}}
{{- if include "pushboat.standby" . -}}
  {{- $_ := set $own "lease" (printf "%s/pushboat" (include "pushboat.namespace" .)) -}}
{{- end -}}
{{- if .Values.metrics.enabled -}}
  {{- $_ := set $own "metrics" (dict "address" ":9464") -}}
{{- end -}}
{{- mergeOverwrite $own (deepCopy .Values.settings) | toYaml -}}
{{- end }}

{{- /* Whether browsers are served, and so whether there is a way to the page. */ -}}
{{- define "pushboat.page" -}}
{{- if .Values.http.advertise -}}
{{- if and (not .Values.http.tlsSecret) .Values.networkPolicy.enabled (not .Values.http.from) -}}
{{- fail "http.from: the server believes what a proxy says of a client's address, so nothing else may connect; name the proxy's pods, or set http.tlsSecret" -}}
{{- end -}}
{{- if and .Values.http.tlsSecret (include "pushboat.standby" .) -}}
{{- fail "http.tlsSecret: of two servers, the one that leads serves the page, and a Service does not know which one that is; let a proxy end TLS that tries the other one after a 503 (docs/web.md)" -}}
{{- end -}}
true
{{- else if or .Values.http.tlsSecret .Values.http.from -}}
{{- fail "http.advertise: the page needs its address, as browsers write it; set it to https://HOST" -}}
{{- end -}}
{{- end }}

{{- /* The scheme of probes, which come to the address of the page. */ -}}
{{- define "pushboat.probeScheme" -}}
{{- $http := (include "pushboat.settings" . | fromYaml).http -}}
{{- if and (kindIs "map" $http) $http.certificate -}}
scheme: HTTPS
{{- end -}}
{{- end }}

{{- /* Whether clusters are told what happens to their apps. */ -}}
{{- define "pushboat.events" -}}
{{- $events := (include "pushboat.settings" . | fromYaml).events -}}
{{- if and (kindIs "map" $events) $events.kubernetes (ne (toString $events.kubernetes) "none") -}}
true
{{- end -}}
{{- end }}

{{- /* Where servers take ssh connections that the other one passes on. */ -}}
{{- define "pushboat.relayPort" -}}
2223
{{- end }}

{{- /* The accounts as which the server deploys: names by namespace. */ -}}
{{- define "pushboat.accounts" -}}
{{- if and .Values.rights.accounts (eq .Values.rights.deploy "cluster-admin") -}}
{{- fail "rights.accounts: with rights.deploy cluster-admin the server may act as anybody; set rights.deploy to namespaced or none" -}}
{{- end -}}
{{- $names := dict -}}
{{- range .Values.rights.accounts -}}
{{- $parts := splitList "/" . -}}
{{- $_ := set $names (first $parts) (append (get $names (first $parts) | default list) (last $parts)) -}}
{{- end -}}
{{- toYaml $names -}}
{{- end }}

{{- /* Whether the server writes nothing as itself. */ -}}
{{- define "pushboat.onlyAccounts" -}}
{{- if and .Values.rights.accounts (not .Values.rights.namespaces) -}}
true
{{- end -}}
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
