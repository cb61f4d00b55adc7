#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <stdint.h>
#include <unistd.h>
#include <fcntl.h>
/* stand-in for the kernel's IPVS socket options: answers from a file, logs what is set */
struct info { unsigned version, size, num; };
static unsigned nsvc(void){ const char*s=getenv("IPVS_NSVC"); return s?atoi(s):0; }
int socket(int d,int t,int p){
  static int (*real)(int,int,int); if(!real) real=dlsym(RTLD_NEXT,"socket");
  if(d==AF_NETLINK){ errno=EPROTONOSUPPORT; return -1; }
  if(t==SOCK_RAW) return real(AF_INET,SOCK_DGRAM,0);
  return real(d,t,p);
}
static int slurp(const char*n,void*b,size_t m){ char p[300]; const char*d=getenv("IPVS_DIR"); snprintf(p,300,"%s/%s",d?d:".",n); int f=open(p,O_RDONLY); if(f<0) return -1; int r=read(f,b,m); close(f); return r; }
int getsockopt(int fd,int lvl,int opt,void*val,socklen_t*len){
  static int (*real)(int,int,int,void*,socklen_t*); if(!real) real=dlsym(RTLD_NEXT,"getsockopt");
  if(lvl!=IPPROTO_IP||opt<1152||opt>1152+63) return real(fd,lvl,opt,val,len);
  if(opt==1153){ struct info i={0x010201,4096,nsvc()}; memcpy(val,&i,sizeof i); return 0; }
  char n[64]; snprintf(n,64,"get%d",opt-1152);
  if(opt==1156){ /* dests: key by addr/port */ unsigned char*q=val; snprintf(n,64,"get4_%u_%02x%02x%02x%02x_%u_%u",*(uint16_t*)q,q[4],q[5],q[6],q[7],ntohs(*(uint16_t*)(q+8)),*(uint32_t*)(q+12)); }
  int r=slurp(n,val,*len); if(r<0){ const char*e=getenv("IPVS_GET_ERRNO"); errno=e?atoi(e):ESRCH; if(getenv("SHIMDBG")) fprintf(stderr,"[no %s len %u]\n",n,*len); return -1; } *len=r; return 0;
}
int setsockopt(int fd,int lvl,int opt,const void*val,socklen_t len){
  static int (*real)(int,int,int,const void*,socklen_t); if(!real) real=dlsym(RTLD_NEXT,"setsockopt");
  if(lvl!=IPPROTO_IP||opt<1152||opt>1152+63) return real(fd,lvl,opt,val,len);
  const char*l=getenv("IPVS_LOG"); if(l){ FILE*f=fopen(l,"a"); fprintf(f,"%d",opt-1152); for(socklen_t i=0;i<len;i++) fprintf(f,"%s%02x",i?"":" ",((unsigned char*)val)[i]); fputc('\n',f); fclose(f);} 
  const char*e=getenv("IPVS_ERRNO"); if(e&&atoi(e)){ errno=atoi(e); return -1;} return 0;
}
