{{/* Settings that the chart sets in a service's ConfigMap, from the values. Give {root, name, values}. */}}
{{- define "breakwater.settings" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
BREAKWATER_LOG_LEVEL: {{ $v.logLevel | quote }}
BREAKWATER_DRAIN_DELAY_MS: {{ mul (int .values.drain.delaySeconds) 1000 | quote }}
BREAKWATER_DRAIN_DEADLINE_MS: {{ mul (int .values.drain.deadlineSeconds) 1000 | quote }}
{{- with $v.telemetry.endpoint }}
BREAKWATER_OTLP_ENDPOINT: {{ . | quote }}
BREAKWATER_TRACE_SAMPLE_RATIO: {{ include "breakwater.setting" $v.telemetry.sampleRatio | quote }}
{{- end }}
{{- if ne .name "web" }}
{{ include "breakwater.settings.nats" . }}
{{- end }}
{{- if eq .name "edge" }}
{{ include "breakwater.settings.edge" . }}
{{- end }}
{{- if eq .name "matchmaker" }}
{{ include "breakwater.settings.matchmaker" . }}
{{- end }}
{{- if eq .name "web" }}
BREAKWATER_WEB_FORWARD_TO: {{ printf "http://%s-edge:%d" (include "breakwater.fullname" $root) (int $v.edge.service.port) | quote }}
{{- end }}
{{- range $key, $value := .values.settings }}
{{ $key }}: {{ include "breakwater.setting" $value | quote }}
{{- end }}
{{- end -}}

{{- define "breakwater.settings.nats" -}}
{{- $v := .root.Values -}}
BREAKWATER_PARTITIONS: {{ int $v.installation.partitions | quote }}
BREAKWATER_REPLICAS: {{ int $v.installation.replicas | quote }}
{{- if $v.nats.external.url }}
BREAKWATER_NATS_URL: {{ $v.nats.external.url | quote }}
{{- if $v.nats.external.existingSecret }}
BREAKWATER_NATS_USER: {{ get $v.nats.external.users .name | quote }}
{{- end }}
{{- if $v.nats.external.caSecret }}
BREAKWATER_NATS_CA_FILE: /etc/breakwater/nats/ca.crt
{{- end }}
{{- else }}
BREAKWATER_NATS_URL: {{ printf "%s://%s-nats:4222" (ternary "tls" "nats" $v.nats.tls.enabled) (include "breakwater.fullname" .root) | quote }}
BREAKWATER_NATS_USER: {{ .name }}
{{- if $v.nats.tls.enabled }}
BREAKWATER_NATS_CA_FILE: /etc/breakwater/nats/ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{- define "breakwater.settings.edge" -}}
{{- $edge := .values -}}
BREAKWATER_EDGE_DRAIN_SPREAD_MS: {{ mul (int $edge.drain.spreadSeconds) 1000 | quote }}
BREAKWATER_EDGE_DRAIN_GRACE_MS: {{ mul (int $edge.drain.graceSeconds) 1000 | quote }}
BREAKWATER_EDGE_JWT_AUDIENCE: {{ $edge.jwt.audience | quote }}
{{- with $edge.jwt.issuer }}
BREAKWATER_EDGE_JWT_ISSUER: {{ . | quote }}
{{- end }}
{{- with $edge.jwt.jwksUrl }}
BREAKWATER_EDGE_JWKS_URL: {{ . | quote }}
{{- end }}
{{- with $edge.origins }}
BREAKWATER_EDGE_ORIGINS: {{ join "," . | quote }}
{{- end }}
{{- with $edge.trustedProxies }}
BREAKWATER_EDGE_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
{{- if $edge.tls.enabled }}
BREAKWATER_EDGE_TLS_CERT_FILE: /etc/breakwater/tls/tls.crt
BREAKWATER_EDGE_TLS_KEY_FILE: /etc/breakwater/tls/tls.key
{{- end }}
{{- if .root.Values.demo.enabled }}
BREAKWATER_EDGE_GUEST_TOKENS: "true"
{{- end }}
{{- end -}}

{{- define "breakwater.settings.matchmaker" -}}
{{- $selector := include "breakwater.selector" (dict "root" .root "component" "simulation") | fromYaml -}}
{{- $terms := list -}}
{{- range $key, $value := $selector -}}
{{- $terms = append $terms (printf "%s=%s" $key $value) -}}
{{- end -}}
BREAKWATER_MATCHMAKER_KUBERNETES: {{ ternary "on" "off" .values.kubernetes.enabled | quote }}
{{- if .values.kubernetes.enabled }}
BREAKWATER_MATCHMAKER_POD_SELECTOR: {{ join "," $terms | quote }}
{{- with .root.Values.simulation.buffer }}
{{- if .enabled }}
BREAKWATER_MATCHMAKER_DEPLOYMENT: {{ include "breakwater.fullname" $.root }}-simulation
BREAKWATER_MATCHMAKER_BUFFER_SLOTS: {{ int .freeSlots | quote }}
BREAKWATER_MATCHMAKER_BUFFER_MIN_REPLICAS: {{ int .minReplicas | quote }}
BREAKWATER_MATCHMAKER_BUFFER_MAX_REPLICAS: {{ int .maxReplicas | quote }}
BREAKWATER_MATCHMAKER_BUFFER_HYSTERESIS_SLOTS: {{ int .hysteresisSlots | quote }}
BREAKWATER_MATCHMAKER_BUFFER_STABLE_MS: {{ mul (int .scaleDownSeconds) 1000 | quote }}
BREAKWATER_MATCHMAKER_BUFFER_MOVES_GAMES: {{ .moveGames | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
