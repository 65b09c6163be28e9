{{/*
Who may open a connection to whom, on which TCP port: the design's arrows, and no others. Components by name; the rest
are places that networkpolicies.yaml knows. Every pod may ask the DNS.
*/}}
{{- define "breakwater.arrows" -}}
{{- $v := .Values -}}
- {from: clients, to: edge, ports: [8081]}
- {from: helm-test, to: edge, ports: [8081]}
{{- range $name := list "edge" "chat" "simulation" "matchmaker" }}
{{- if $v.nats.external.url }}
- {from: {{ $name }}, to: external-nats, ports: {{ include "breakwater.ports" $v.nats.external.url }}}
{{- else }}
- {from: {{ $name }}, to: nats, ports: [4222]}
{{- end }}
{{- end }}
{{- if not $v.nats.external.url }}
- {from: operator, to: nats, ports: [4222]}
{{- end }}
{{- if $v.matchmaker.kubernetes.enabled }}
- {from: matchmaker, to: kubernetes, ports: {{ $v.networkPolicy.kubernetesApi.ports | toJson }}}
{{- end }}
{{- if $v.demo.enabled }}
- {from: clients, to: web, ports: [8080]}
- {from: helm-test, to: web, ports: [8080]}
- {from: web, to: edge, ports: [8081]}
{{- end }}
{{- with $v.edge.jwt.jwksUrl }}
- {from: edge, to: issuer, ports: {{ include "breakwater.ports" . }}}
{{- end }}
{{- range $name := include "breakwater.components" . | fromYamlArray }}
{{- if ne $name "nats" }}
{{- if $v.networkPolicy.monitoring }}
- {from: monitoring, to: {{ $name }}, ports: [9090]}
{{- end }}
{{- with $v.telemetry.endpoint }}
- {from: {{ $name }}, to: collector, ports: {{ include "breakwater.ports" . }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the release runs. */}}
{{- define "breakwater.components" -}}
- chat
- edge
- matchmaker
{{- if not .Values.nats.external.url }}
- nats
{{- end }}
- simulation
{{- if .Values.demo.enabled }}
- web
{{- end }}
{{- end -}}

{{/* The ports of a list of URLs, by their scheme where they name none. */}}
{{- define "breakwater.ports" -}}
{{- $known := dict "https" 443 "http" 80 "nats" 4222 "tls" 4222 -}}
{{- $ports := list -}}
{{- range splitList "," . -}}
{{- $url := urlParse (trim .) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports (ternary (int $port) (get $known $url.scheme) (ne $port "")) -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end -}}

{{/* The peer of a rule: components of this release by label, places by the values. Give {root, place}. */}}
{{- define "breakwater.peers" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- if eq .place "clients" -}}
{{- toYaml $policy.clients -}}
{{- else if eq .place "monitoring" -}}
{{- toYaml $policy.monitoring -}}
{{- else if eq .place "kubernetes" -}}
{{- range $policy.kubernetesApi.cidrs }}
- ipBlock: {cidr: {{ . | quote }}}
{{- end }}
{{- else if has .place (list "external-nats" "issuer" "collector") -}}
{{- toYaml $policy.external -}}
{{- else -}}
- podSelector:
    matchLabels:
      {{- include "breakwater.selector" (dict "root" .root "component" .place) | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* One rule; an empty list of peers means everybody, and says so by leaving the key out. */}}
{{- define "breakwater.rule" -}}
{{- $peers := include "breakwater.peers" . | fromYamlArray -}}
- ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with $peers }}
  {{ $.key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
