#%Module1.0
## A module file for the portable bundle. Environment Modules and Lmod read it.
##   tar -xJf s3flow-VERSION-linux-x86_64.tar.xz -C /opt/s3flow
##   cp s3flow.tcl MODULEPATH/s3flow/VERSION
## The version is the name of the module file; change `base` if the bundle lies elsewhere.
set version [file tail [module-info name]]
set base    /opt/s3flow
if { [info exists env(S3FLOW_MODULE_BASE)] } { set base $env(S3FLOW_MODULE_BASE) }
set root    $base/s3flow-$version-linux-x86_64

proc ModulesHelp { } {
    puts stderr "s3flow uploads many files to S3 and S3-compatible stores. See: man s3flow"
}
module-whatis "s3flow: bulk uploads to S3 and S3-compatible stores"

conflict s3flow
# man(1) finds $root/share/man through PATH (manpath(1)).
prepend-path PATH $root/bin
