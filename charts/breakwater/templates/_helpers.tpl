{{/* Prefix of all names: the release, and the chart unless the release is called so. */}}
{{- define "breakwater.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select pods. Give {root, component}; without a component all pods of the release. */}}
{{- define "breakwater.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Labels of every object. Give {root, component}. */}}
{{- define "breakwater.labels" -}}
{{ include "breakwater.selector" . }}
app.kubernetes.io/part-of: breakwater
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Image of one of our services. Give {root, image}. */}}
{{- define "breakwater.image" -}}
{{- $tag := .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ .image.repository }}:{{ include "breakwater.setting" $tag }}
{{- end -}}

{{/* A quantity of memory or disk in bytes. */}}
{{- define "breakwater.bytes" -}}
{{- $text := toString . -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- mulf (float64 $number) (get $units $unit | default 1) | int64 -}}
{{- end -}}

{{/* Size of V8's old space in MiB: a share of the memory limit. */}}
{{- define "breakwater.oldSpaceMiB" -}}
{{- $bytes := include "breakwater.bytes" .resources.limits.memory | int64 -}}
{{- div (mul (div $bytes 1048576) (int64 .heapPercent)) 100 -}}
{{- end -}}

{{/* A setting's value as the services read it: no exponents, lists with commas. */}}
{{- define "breakwater.setting" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "float64" . -}}
{{- if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "breakwater.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "breakwater.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Names of what several templates speak of. */}}
{{- define "breakwater.jwtSecret" -}}
{{- .Values.edge.jwt.existingSecret | default (printf "%s-jwt" (include "breakwater.fullname" .)) -}}
{{- end -}}

{{- define "breakwater.nats.secret" -}}
{{- .Values.nats.existingSecret | default (printf "%s-nats-users" (include "breakwater.fullname" .)) -}}
{{- end -}}

{{- define "breakwater.nats.tlsSecret" -}}
{{- .Values.nats.tls.secretName | default (printf "%s-nats-tls" (include "breakwater.fullname" .)) -}}
{{- end -}}

{{- define "breakwater.edge.tlsSecret" -}}
{{- .Values.edge.tls.secretName | default (printf "%s-edge-tls" (include "breakwater.fullname" .)) -}}
{{- end -}}

{{/* What values say together and a schema cannot refuse. */}}
{{- define "breakwater.validate" -}}
{{- if and .Values.demo.enabled .Values.edge.jwt.jwksUrl -}}
{{- fail "demo.enabled: guest tokens are signed with the secret, which checks none while edge.jwt.jwksUrl is set" -}}
{{- end -}}
{{- if and .Values.demo.enabled .Values.edge.tls.enabled -}}
{{- fail "demo.enabled: the page passes requests on to the edge without TLS; use an Ingress or a Gateway for TLS" -}}
{{- end -}}
{{- if and (not .Values.nats.external.url) (gt (int .Values.installation.replicas) 1) -}}
{{- fail "installation.replicas: the embedded NATS is one server and keeps one copy; use nats.external.url for more" -}}
{{- end -}}
{{- if and .Values.nats.tls.enabled (not .Values.nats.tls.secretName) (not .Values.nats.tls.certManager.enabled) -}}
{{- fail "nats.tls.secretName: needed unless nats.tls.certManager.enabled" -}}
{{- end -}}
{{- if and .Values.edge.tls.enabled (not .Values.edge.tls.secretName) (not .Values.edge.tls.certManager.enabled) -}}
{{- fail "edge.tls.secretName: needed unless edge.tls.certManager.enabled" -}}
{{- end -}}
{{- if and .Values.edge.ingress.enabled .Values.edge.ingress.tls.enabled (not .Values.edge.ingress.host) -}}
{{- fail "edge.ingress.host: needed for TLS" -}}
{{- end -}}
{{- $drain := .Values.edge.drain -}}
{{- if lt (int $drain.deadlineSeconds) (add (int $drain.delaySeconds) (int $drain.spreadSeconds) (int $drain.graceSeconds) 5) -}}
{{- fail "edge.drain.deadlineSeconds: must be 5 more than delaySeconds, spreadSeconds and graceSeconds together" -}}
{{- end -}}
{{- $buffer := .Values.simulation.buffer -}}
{{- if and $buffer.enabled (not .Values.matchmaker.kubernetes.enabled) -}}
{{- fail "simulation.buffer.enabled: the matchmaker scales through the Kubernetes API; matchmaker.kubernetes.enabled must be on" -}}
{{- end -}}
{{- if and $buffer.enabled (gt (int $buffer.minReplicas) (int $buffer.maxReplicas)) -}}
{{- fail "simulation.buffer.minReplicas: must not be above maxReplicas" -}}
{{- end -}}
{{- range $name := list "edge" "chat" -}}
{{- $scaling := (get $.Values $name).autoscaling -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas: must not be above maxReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
